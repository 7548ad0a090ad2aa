import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

/** The files of a folder and of those in it whose paths match. */
export const filesIn = (place, pattern) =>
  readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

/** Also writes compressed copies of worthwhile files, so that they need not be compressed for each request. */
export const compress = async (folder) => {
  for (const path of filesIn(folder, /\.(js|css|svg|html|yml)$/)) {
    const bytes = readFileSync(path);
    writeFileSync(`${path}.br`, await promisify(brotliCompress)(bytes));
    writeFileSync(`${path}.gz`, await promisify(gzip)(bytes));
  }
};

// Writes what follows from the server's reference documents: the typed client and pages of docs/reference.
// `--check` writes nothing and fails when the committed files differ. `--from <file>` takes the documents from
// a JSON file ([{filename, content}]) instead of the built server.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { clientFiles } from './generate/client-files.mjs';
import { readContracts } from './generate/contracts.mjs';
import { errorCodesFile } from './generate/error-codes.mjs';
import { referencePages } from './generate/reference-pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['packages/client/src/generated', 'docs/reference'];

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, from: { type: 'string' }, services: { type: 'string' } },
});

const server = options.from ? {} : await import(new URL('../packages/server/dist/index.js', import.meta.url));
const documents = options.from ? JSON.parse(readFileSync(options.from, 'utf8')) : server.referenceDocuments();

/** The files of a folder that were generated, by path from the root. Others are not ours to remove. */
const present = (folder) => {
  try {
    const paths = readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
    return paths.filter((path) => textOf(path)?.slice(0, 100).includes('Generated from the server'));
  } catch {
    return [];
  }
};

const textOf = (path) => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
};

const contracts = readContracts(documents, options.services?.split(','));
const wanted = new Map([
  ...[...clientFiles(contracts), ...(server.errorStatuses ? [errorCodesFile(server.errorStatuses)] : [])].map(
    ({ name, text }) => [`${folders[0]}/${name}`, text],
  ),
  ...referencePages(contracts).map(({ name, text }) => [`${folders[1]}/${name}`, text]),
]);
const stale = folders.flatMap(present).filter((path) => !wanted.has(path));
const changed = [...wanted].filter(([path, text]) => textOf(path) !== text).map(([path]) => path);

if (options.check) {
  for (const path of [...changed, ...stale]) {
    console.error(`${path} does not follow from the server's contracts: run npm run generate`);
  }
  process.exitCode = changed.length + stale.length > 0 ? 1 : 0;
} else {
  for (const path of stale) rmSync(join(root, path));
  for (const path of changed) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), wanted.get(path));
  }
  console.log(`${wanted.size} files, ${changed.length} of them written, ${stale.length} removed`);
}

// Builds the pages, unless nothing that they are made of has changed since the last time: what is compiled of
// `client`, the sources here, and the versions of libraries.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compress, filesIn } from './compress.mjs';

const folder = fileURLToPath(new URL('../packages/ui', import.meta.url));
const client = fileURLToPath(new URL('../packages/client/dist', import.meta.url));
const site = join(folder, 'dist/site');
const stamp = join(folder, 'dist/site.stamp');

const digest = () => {
  const hash = createHash('sha256');
  const sources = filesIn(join(folder, 'src'), /(?<!\.test)\.(ts|tsx|css)$/);
  const compiled = filesIn(client, /(?<!\.test)\.js$/);
  const others = ['package.json', 'vite.config.mjs', 'index.html'].map((name) => join(folder, name));
  for (const path of [...sources, ...compiled, ...others, ...filesIn(join(folder, 'public'), /./)]) {
    hash.update(`${path.slice(folder.length)}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
};

/** Returns whether there was something to build. */
export const buildUi = async () => {
  const made = digest();
  if (existsSync(site) && existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return false;
  const { build } = await import('vite');
  await build({ configFile: join(folder, 'vite.config.mjs') });
  await compress(site);
  writeFileSync(stamp, made);
  return true;
};

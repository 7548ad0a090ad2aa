// Renders the documents as pages for `/docs`, unless nothing that they are made of has changed since the last time.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compress } from './compress.mjs';
import { pageOf } from './docs/page.mjs';
import { readPages } from './docs/pages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'packages/ui/dist/docs');
const stamp = join(root, 'packages/ui/dist/docs.stamp');
const makers = ['build-docs.mjs', 'docs/page.mjs', 'docs/pages.mjs', 'docs/docs.css'];

// These stand beside `docs`, and readers of it are sent there.
const besides = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];

const sourcePaths = () => [
  ...besides,
  ...readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
    .sort(),
];

const digest = (paths) => {
  const hash = createHash('sha256');
  for (const path of [...paths, ...makers.map((name) => `scripts/${name}`)]) {
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
};

const write = (path, text) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

export const buildDocs = async () => {
  const paths = sourcePaths();
  const made = digest(paths);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return;
  rmSync(target, { recursive: true, force: true });
  const texts = new Map(
    paths.map((path) => [path, extname(path) === '.md' && readFileSync(join(root, path), 'utf8')]),
  );
  const pages = readPages(texts);
  for (const page of pages) write(join(target, page.file), pageOf(page, pages));
  for (const path of paths.filter((path) => extname(path) !== '.md')) {
    const copy = join(target, path.slice('docs/'.length));
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(join(root, path), copy);
  }
  cpSync(join(root, 'scripts/docs/docs.css'), join(target, 'docs.css'));
  await compress(target);
  writeFileSync(stamp, made);
};

// `npm run pack`: writes installable packages into dist/, as files for `npm install <file>`.
//   taskyard-cli-<version>.tgz      the command with worker and client; everything that it needs is inside
//   taskyard-server-<version>.tgz   the server and its pages; npm fetches the libraries
// Another folder: `npm run pack -- <folder>`. Builds nothing: `npm ci` has.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stageCli, stageServer } from './pack/stage.mjs';

const target = resolve(process.argv[2] ?? 'dist');
const staging = mkdtempSync(join(tmpdir(), 'taskyard-pack-'));

/** Makes a package of a staged folder. Returns its file. */
const pack = (folder) => {
  const words = ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', target];
  const { status, stdout, stderr } = spawnSync('npm', words, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack ended with ${status}: ${stderr}`);
  const [{ filename, size, unpackedSize }] = Object.values(JSON.parse(stdout));
  return { path: join(target, filename), size, unpackedSize };
};

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

try {
  mkdirSync(target, { recursive: true });
  for (const stage of [stageCli, stageServer]) {
    const { path, size, unpackedSize } = pack(stage(staging));
    console.log(`${path}  ${megabytes(size)}, installed ${megabytes(unpackedSize)}`);
  }
} finally {
  rmSync(staging, { recursive: true, force: true });
}

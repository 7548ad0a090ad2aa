import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultPath } from '../config.ts';
import { findProgram } from '../engines/find-program.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { decompressFile, unpackArchive } from './archives.ts';

const tarFlags = {
  tar: [],
  'tar.gz': ['-z'],
  'tar.bz2': ['-j'],
  'tar.xz': ['-J'],
  'tar.zst': ['--zstd'],
} as const;
const needs = {
  tar: 'tar',
  'tar.gz': 'gzip',
  'tar.bz2': 'bzip2',
  'tar.xz': 'xz',
  'tar.zst': 'zstd',
} as const;
const without = (program: string): string | false =>
  findProgram(program, defaultPath()) ? false : `${program} is not installed`;

for (const format of ['tar', 'tar.gz', 'tar.bz2', 'tar.xz', 'tar.zst'] as const) {
  test(`a ${format} archive is unpacked`, { skip: without(needs[format]) }, async (t) => {
    const root = await temporaryDirectory(t);
    await mkdir(join(root, 'in/sub'), { recursive: true });
    await writeFile(join(root, 'in/sub/file'), 'x');
    execFileSync('tar', [
      '-c',
      ...tarFlags[format],
      '-f',
      join(root, 'archive'),
      '-C',
      join(root, 'in'),
      '.',
    ]);
    await unpackArchive(join(root, 'archive'), format, join(root, 'out'));
    assert.equal(await readFile(join(root, 'out/sub/file'), 'utf8'), 'x');
  });
}

for (const [compression, program] of [
  ['gz', 'gzip'],
  ['bz2', 'bzip2'],
  ['xz', 'xz'],
  ['zst', 'zstd'],
] as const) {
  test(`a .${compression} file is decompressed`, { skip: without(program) }, async (t) => {
    const root = await temporaryDirectory(t);
    await writeFile(join(root, 'packed'), execFileSync(program, ['-c'], { input: 'content' }));
    await decompressFile(join(root, 'packed'), compression, join(root, 'plain'));
    assert.equal(await readFile(join(root, 'plain'), 'utf8'), 'content');
    await writeFile(join(root, 'packed'), 'no such thing');
    await assert.rejects(decompressFile(join(root, 'packed'), compression, join(root, 'plain')));
  });
}

test('what is no archive is refused with a reason', async (t) => {
  const root = await temporaryDirectory(t);
  await writeFile(join(root, 'packed'), 'no such thing');
  for (const format of ['tar.gz', 'zip'] as const) {
    await assert.rejects(
      unpackArchive(join(root, 'packed'), format, join(root, 'out')),
      /could not be unpacked: ./,
    );
  }
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/places.ts';
import { renameArchive } from './rename-archive.ts';

const isGnu = /GNU tar/.test(execFileSync('tar', ['--version'], { encoding: 'utf8' }));

const formats = [
  '--format=gnu',
  ...['0.0', '0.1', '1.0'].map((version) => `--format=posix --sparse-version=${version}`),
];
for (const format of formats) {
  test(`an archive that leaves out the holes of its files (${format}) is refused`, {
    skip: !isGnu && 'tar is not that of GNU',
  }, async (t) => {
    const folder = await temporaryDirectory(t);
    await writeFile(join(folder, 'manifest.json'), '[{"RepoTags":[]}]');
    await writeFile(join(folder, 'layer.tar'), 'begin');
    await truncate(join(folder, 'layer.tar'), 2 ** 20);
    const words = ['--create', '--sparse', ...format.split(' '), '--file=image.tar'];
    execFileSync('tar', [...words, 'manifest.json', 'layer.tar'], { cwd: folder });
    const archive = createReadStream(join(folder, 'image.tar'));
    await assert.rejects(buffer(renameArchive(archive, 'mine:1')), /files with holes/);
  });
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { tarOf } from '../testing/hostile-archives.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { renameArchive } from './rename-archive.ts';

test('inherited-names: a file of an archive that is called as what every object inherits is copied as it is', async () => {
  const members = [
    { name: 'manifest.json', content: '[{"RepoTags":["theirs:1"]}]' },
    { name: 'constructor', content: 'bytes\n' },
  ];
  const archive = Readable.from([await tarOf(...members)]);
  const text = (await buffer(renameArchive(archive, 'mine:1'))).toString();
  assert.match(text, /\[\{"RepoTags":\["mine:1"\]\}\]/);
  assert.match(text, /\0bytes\n\0/);
});

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

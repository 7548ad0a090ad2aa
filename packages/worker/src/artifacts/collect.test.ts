import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ArtifactDescription } from '../payload/index.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { collectArtifacts } from './collect.ts';

const expires = new Date('2031-01-01T00:00:00Z');
const anArtifact = (path: string, more: Partial<ArtifactDescription> = {}): ArtifactDescription => ({
  type: 'file',
  path,
  name: path,
  expires,
  contentType: undefined,
  contentEncoding: undefined,
  isOptional: false,
  ...more,
});

const aTask = async (t: TestContext): Promise<string> => {
  const root = await temporaryDirectory(t);
  const task = join(root, 'task');
  await mkdir(join(task, 'd/sub/empty'), { recursive: true });
  await writeFile(join(root, 'secret'), 'x');
  await writeFile(join(task, 'd/b.png'), 'x');
  await writeFile(join(task, 'd/a.html'), 'x');
  await writeFile(join(task, 'd/sub/c'), 'x');
  return task;
};

test('a file is described by its name, unless the task says what it is', async (t) => {
  const task = await aTask(t);
  const { files } = await collectArtifacts({ directory: task }, [
    anArtifact('d/a.html'),
    anArtifact('d/b.png', { name: 'public/picture.png' }),
    anArtifact('d/sub/c', { contentType: 'text/x', contentEncoding: 'identity' }),
  ]);
  assert.deepEqual(
    files.map(({ name, contentType, contentEncoding }) => [name, contentType, contentEncoding]),
    [
      ['d/a.html', 'text/html; charset=utf-8', 'gzip'],
      ['public/picture.png', 'image/png', 'identity'],
      ['d/sub/c', 'text/x', 'identity'],
    ],
  );
  assert.deepEqual([files[0]?.inside?.directory, files[0]?.path], [task, 'd/a.html']);
});

test('inherited-names: an extension that every object inherits is like any other unknown one', async (t) => {
  const task = await aTask(t);
  const paths = ['d/a.constructor', 'd/b.__proto__'];
  for (const path of paths) await writeFile(join(task, path), 'x');
  const { files } = await collectArtifacts(
    { directory: task },
    paths.map((path) => anArtifact(path)),
  );
  assert.deepEqual(
    files.map(({ contentType }) => contentType),
    ['application/octet-stream', 'application/octet-stream'],
  );
});

test('a directory becomes one artifact for each file below it', async (t) => {
  const task = await aTask(t);
  const { files, missing } = await collectArtifacts({ directory: task }, [
    anArtifact('d', { type: 'directory', name: 'public' }),
  ]);
  assert.deepEqual(
    files.map(({ name }) => name),
    ['public/a.html', 'public/b.png', 'public/sub/c'],
  );
  assert.deepEqual(missing, []);
});

test('an absent file is missing, unless it is optional', async (t) => {
  const task = await aTask(t);
  const { missing } = await collectArtifacts({ directory: task }, [
    anArtifact('none'),
    anArtifact('none/either', { type: 'directory' }),
    anArtifact('none', { isOptional: true }),
  ]);
  assert.deepEqual(
    missing.map(({ name, reason }) => [name, reason]),
    [
      ['none', 'file-missing-on-worker'],
      ['none/either', 'file-missing-on-worker'],
    ],
  );
});

test('an entry of another kind is invalid', async (t) => {
  const task = await aTask(t);
  execFileSync('mkfifo', [join(task, 'pipe')]);
  const { files, missing } = await collectArtifacts({ directory: task }, [
    anArtifact('d'),
    anArtifact('d/sub/c', { type: 'directory' }),
    anArtifact('pipe'),
  ]);
  assert.deepEqual(files, []);
  assert.deepEqual(new Set(missing.map(({ reason }) => reason)), new Set(['invalid-resource-on-worker']));
  assert.equal(missing.length, 3);
});

test('links are followed inside the task directory only', async (t) => {
  const task = await aTask(t);
  await symlink('../../secret', join(task, 'd/secret'));
  await symlink('/etc/passwd', join(task, 'passwd'));
  await symlink('nowhere', join(task, 'd/dangling'));
  await symlink('a.html', join(task, 'd/good.html'));
  await symlink('..', join(task, 'd/circle'));
  const { files, missing } = await collectArtifacts({ directory: task }, [
    anArtifact('d', { type: 'directory' }),
    anArtifact('passwd'),
  ]);
  assert.deepEqual(
    files.map(({ name }) => name),
    ['d/a.html', 'd/b.png', 'd/good.html', 'd/sub/c'],
  );
  assert.deepEqual(
    missing.map(({ name, reason }) => [name, reason]),
    [
      ['d/dangling', 'invalid-resource-on-worker'],
      ['d/secret', 'invalid-resource-on-worker'],
      ['passwd', 'invalid-resource-on-worker'],
    ],
  );
});

test('a name that no artifact can have is recorded under one that it can', async (t) => {
  const task = await aTask(t);
  await writeFile(join(task, 'd/é'), 'x');
  const { missing } = await collectArtifacts({ directory: task }, [anArtifact('d', { type: 'directory' })]);
  assert.deepEqual(
    missing.map(({ name }) => name),
    ['d/%C3%A9'],
  );
});

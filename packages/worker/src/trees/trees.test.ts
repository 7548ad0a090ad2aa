import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../testing/places.ts';
import { takeWorkDirectory } from '../work-directory.ts';
import {
  findInside,
  holdBelow,
  holdDirectory,
  LeadsOut,
  moveEntries,
  partsOf,
  removeTree,
  withHeld,
} from './index.ts';

const nobody = 65_534;

/** Acts as a user whom modes bind: root has to become another for it. */
const bound = async (directory: string, act: () => Promise<void>): Promise<void> => {
  if (process.getuid?.() !== 0) return act();
  execFileSync('chown', ['-R', `${nobody}:${nobody}`, directory]);
  process.seteuid?.(nobody);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
};

/** A tree in which nothing may be written, and some of it not even read. */
const aClosedTree = async (root: string): Promise<void> => {
  for (const name of ['a', 'b', 'c']) {
    await mkdir(join(root, name, 'x/y'), { recursive: true });
    await writeFile(join(root, name, 'x/f'), '1', { mode: 0o400 });
    await chmod(join(root, name, 'x'), 0);
    await chmod(join(root, name), 0o500);
  }
};

const aPlace = async (t: TestContext) => {
  const root = await temporaryDirectory(t);
  const [outside, task] = [join(root, 'outside'), join(root, 'task')];
  await mkdir(outside);
  await mkdir(task);
  await writeFile(join(outside, 'file'), 'x');
  return { root, outside, task };
};

test('a tree is removed whatever its modes are, and no link is followed', async (t) => {
  const { root, outside, task } = await aPlace(t);
  await aClosedTree(task);
  await symlink(outside, join(task, 'link'));
  execFileSync('mkfifo', [join(task, 'pipe')]);
  execFileSync('sh', ['-c', 'printf x > "$(printf "a\\351b")"'], { cwd: task });
  await chmod(task, 0);
  await bound(root, () => removeTree(task));
  await removeTree(task);
  assert.deepEqual(await readdir(root), ['outside']);
  assert.deepEqual(await readdir(outside), ['file']);
});

test('a link in the place of a tree is removed itself', async (t) => {
  const { root, outside } = await aPlace(t);
  await symlink(outside, join(root, 'link'));
  await removeTree(join(root, 'link'));
  assert.deepEqual(await readdir(outside), ['file']);
});

test('no depth is too great to be removed', async (t) => {
  const { task } = await aPlace(t);
  const deep = 'i=0; while [ $i -lt 700 ]; do mkdir deeper && cd -P deeper && i=$((i+1)) || exit 1; done';
  execFileSync('sh', ['-c', deep], { cwd: task });
  await removeTree(task);
  await assert.rejects(stat(task), { code: 'ENOENT' });
});

test('a worker starts on a folder whatever was left there', async (t) => {
  const root = await temporaryDirectory(t);
  await mkdir(join(root, 'runs/one'), { recursive: true });
  await aClosedTree(join(root, 'runs/one'));
  await mkdir(join(root, 'directory-id/left'), { recursive: true });
  await bound(root, async () => {
    const directory = await takeWorkDirectory(root);
    assert.deepEqual(await readdir(directory.runs), []);
    assert.deepEqual((await readdir(root)).sort(), ['directory-id', 'pipes', 'runs', 'worker.lock']);
    assert.match(directory.id, /^[0-9a-f]{24}$/);
    await directory.release();
  });
});

test('a worker starts even where it may not remove files that were left', {
  skip: process.getuid?.() !== 0 && 'only root can leave files of another user',
}, async (t) => {
  const root = await temporaryDirectory(t);
  await mkdir(join(root, 'runs/one/foreign'), { recursive: true });
  await writeFile(join(root, 'runs/one/foreign/file'), 'x');
  await bound(root, async () => {
    process.seteuid?.(0);
    await chown(join(root, 'runs/one/foreign'), 0, 0);
    process.seteuid?.(nobody);
    const directory = await takeWorkDirectory(root);
    assert.deepEqual(await readdir(directory.runs), []);
    await directory.release();
  });
});

test('entries are moved over what is there, and through no link', async (t) => {
  const { root, outside, task } = await aPlace(t);
  const from = join(root, 'from');
  await mkdir(join(from, 'both/deep'), { recursive: true });
  await mkdir(join(from, 'link'));
  for (const name of ['both/deep/new', 'link/new', 'file']) await writeFile(join(from, name), 'new');
  await chmod(join(from, 'both'), 0o555);
  await mkdir(join(task, 'both'));
  await writeFile(join(task, 'both/kept'), 'kept');
  await symlink(outside, join(task, 'link'));
  await symlink(join(outside, 'file'), join(task, 'file'));
  await bound(root, () =>
    withHeld(holdDirectory(from), (source) => withHeld(holdDirectory(task), (to) => moveEntries(source, to))),
  );
  assert.deepEqual(await readdir(outside), ['file']);
  assert.equal(await readFile(join(outside, 'file'), 'utf8'), 'x');
  for (const name of ['both/deep/new', 'link/new', 'file'])
    assert.equal(await readFile(join(task, name), 'utf8'), 'new');
  assert.equal(await readFile(join(task, 'both/kept'), 'utf8'), 'kept');
  assert.equal((await stat(join(task, 'both'))).mode & 0o777, 0o555);
});

test('directories are held by names only, and through no link', async (t) => {
  const { outside, task } = await aPlace(t);
  await symlink(outside, join(task, 'link'));
  await assert.rejects(holdBelow(task, ['link', 'new'], { make: true }), { code: 'ENOTDIR' });
  assert.deepEqual(await readdir(outside), ['file']);
  await (await holdBelow(task, ['a', 'b'], { make: true })).close();
  assert.deepEqual(await readdir(join(task, 'a')), ['b']);
  for (const path of ['..', '../x', '/etc', 'a/../../x']) assert.equal(partsOf(path), undefined, path);
  assert.deepEqual(partsOf('./a//b/../c/'), ['a', 'c']);
});

test('links are followed as long as they stay inside', async (t) => {
  const { root, outside, task } = await aPlace(t);
  await mkdir(join(task, 'real/sub'), { recursive: true });
  await writeFile(join(task, 'real/file'), 'inside');
  const links = { inner: 'real', up: 'real/sub/../file', absolute: join(task, 'real'), chain: 'inner/file' };
  const bad = { outer: root, dotted: 'real/../../outside/file', loop: 'loop', beside: `${task}-x/file` };
  for (const [name, target] of Object.entries({ ...links, ...bad })) await symlink(target, join(task, name));
  const find = (path: string) =>
    findInside(
      { directory: task, shownAs: task },
      path,
      async (entry) => entry && readFile(entry.parent.at(entry.name)),
    );
  for (const path of ['inner/file', 'up', 'absolute/file', 'chain', 'inner/../real/file'])
    assert.equal((await find(path))?.toString(), 'inside', path);
  for (const path of ['outer/outside/file', 'dotted', 'loop', 'beside', '../outside/file'])
    await assert.rejects(find(path), LeadsOut, path);
  await assert.rejects(find('not/there'), { code: 'ENOENT' });
  assert.deepEqual(await readdir(outside), ['file']);
});

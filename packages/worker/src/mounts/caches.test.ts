import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../clock.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { openCaches } from './caches.ts';

const never = new AbortController().signal;
const quietly = { onWait: () => undefined, signal: never };

const aPlace = async (t: TestContext) => {
  const root = await temporaryDirectory(t);
  const task = join(root, 'task');
  await mkdir(task);
  let now = 0;
  const clock = { ...systemClock, now: () => new Date(now) };
  const wait = (ms: number): void => {
    now += ms;
  };
  return {
    wait,
    clock,
    root,
    task,
    stored: join(root, 'caches'),
    caches: await openCaches(join(root, 'caches'), clock),
  };
};

test('files that a task leaves in a cache are there for the next one', async (t) => {
  const { task, caches } = await aPlace(t);
  const first = await caches.take(['c'], quietly);
  const placed = await first.place('c', { directory: task }, 'deep/down');
  assert.equal(placed.isNew, true);
  await writeFile(join(task, 'deep/down/file'), 'x');
  await first.giveBack('keep');
  const second = await caches.take(['c'], quietly);
  assert.equal((await second.place('c', { directory: task }, 'elsewhere')).isNew, false);
  assert.equal(await readFile(join(task, 'elsewhere/file'), 'utf8'), 'x');
  await second.giveBack('purge');
  const third = await caches.take(['c'], quietly);
  assert.equal((await third.place('c', { directory: task }, 'again')).isNew, true);
  await third.giveBack('keep');
});

test('a second task waits for a cache, in turn, and hears why', async (t) => {
  const { caches } = await aPlace(t);
  const first = await caches.take(['b', 'a'], quietly);
  const heard: string[] = [];
  const order: number[] = [];
  const waiting = { onWait: (name: string) => void heard.push(name), signal: never };
  const second = caches.take(['a'], waiting).then(async (taken) => {
    order.push(2);
    await taken.giveBack('keep');
  });
  const third = caches.take(['a'], waiting).then(async (taken) => {
    order.push(3);
    await taken.giveBack('keep');
  });
  const other = await caches.take(['c'], quietly);
  assert.deepEqual(order, []);
  await first.giveBack('keep');
  await Promise.all([second, third]);
  assert.deepEqual(
    [order, heard],
    [
      [2, 3],
      ['a', 'a'],
    ],
  );
  await other.giveBack('keep');
  assert.deepEqual(getEventListeners(never, 'abort'), [], 'what waited listens no longer');
});

test('two tasks that want the same caches in other orders both get them', async (t) => {
  const { caches } = await aPlace(t);
  for (let round = 0; round < 50; round++) {
    const use = async (names: string[]) => (await caches.take(names, quietly)).giveBack('keep');
    await Promise.all([use(['a', 'b']), use(['b', 'a']), use(['b', 'a']), use(['a', 'b'])]);
  }
});

test('a task that ends while it waits makes way', async (t) => {
  const { caches } = await aPlace(t);
  const first = await caches.take(['a'], quietly);
  const ending = new AbortController();
  const second = caches.take(['a'], { onWait: () => ending.abort(new Error('over')), signal: ending.signal });
  await assert.rejects(second, /over/);
  const third = caches.take(['a'], quietly);
  await first.giveBack('keep');
  await (await third).giveBack('keep');
});

test('names of caches lead nowhere else', async (t) => {
  const { root, task, stored, caches } = await aPlace(t);
  const names = ['..', '.', '../../x', '/etc', 'a/b', `${'long'.repeat(100)}`, 'ü'];
  const taken = await caches.take(names, quietly);
  for (const [index, name] of names.entries()) await taken.place(name, { directory: task }, `at/${index}`);
  await taken.giveBack('keep');
  const left = (await readdir(stored)).filter((entry) => !entry.startsWith('.'));
  assert.equal(left.length, names.length);
  assert.deepEqual((await readdir(root)).sort(), ['caches', 'task']);
});

test('a cache that the task has replaced by a link is given up, and nothing else is moved', async (t) => {
  const { root, task, caches } = await aPlace(t);
  const outside = join(root, 'outside');
  await mkdir(join(outside, 'c'), { recursive: true });
  const taken = await caches.take(['c', 'd', 'e'], quietly);
  await taken.place('c', { directory: task }, 'parent/c');
  await taken.place('d', { directory: task }, 'd');
  await taken.place('e', { directory: task }, 'e');
  await rename(join(task, 'parent'), join(task, 'moved'));
  await symlink(outside, join(task, 'parent'));
  await rm(join(task, 'd'), { recursive: true });
  await symlink(outside, join(task, 'd'));
  await rm(join(task, 'e'), { recursive: true });
  await taken.giveBack('keep');
  assert.deepEqual(await readdir(outside), ['c']);
  const next = await caches.take(['c', 'd', 'e'], quietly);
  for (const name of ['c', 'd', 'e'])
    assert.equal((await next.place(name, { directory: task }, `next-${name}`)).isNew, true);
  await next.giveBack('keep');
});

test('a cache from before a purge is new for the next task, and one from after it is not', async (t) => {
  const { root, task, caches, wait, clock } = await aPlace(t);
  let count = 0;
  const use = async (from = caches): Promise<boolean> => {
    const taken = await from.take(['c'], quietly);
    const { isNew } = await taken.place('c', { directory: task }, `use-${count++}`);
    await taken.giveBack('keep');
    return isNew;
  };
  assert.equal(await use(), true);
  wait(10);
  caches.purgeBefore('other', clock.now());
  assert.equal(await use(), false);
  caches.purgeBefore('c', clock.now());
  caches.purgeBefore('c', new Date(0));
  assert.equal(await use(), true);
  wait(10);
  assert.equal(await use(), false);
  const reopened = await openCaches(join(root, 'caches'), clock);
  reopened.purgeBefore('c', new Date(10));
  assert.equal(await use(reopened), false);
  reopened.purgeBefore('c', new Date(11));
  assert.equal(await use(reopened), true);
});

test('caches that no task has can be evicted, and know when they were used last', async (t) => {
  const { task, stored, caches, wait } = await aPlace(t);
  for (const name of ['a', 'b']) {
    const taken = await caches.take([name], quietly);
    await taken.place(name, { directory: task }, name);
    wait(10);
    await taken.giveBack('keep');
  }
  const held = await caches.take(['b'], quietly);
  await held.place('b', { directory: task }, 'b');
  const evictable = await caches.evictable();
  assert.deepEqual(
    evictable.map(({ usedAt }) => usedAt.getTime()),
    [10],
  );
  for (const one of [...evictable, ...evictable]) await one.remove();
  assert.deepEqual(
    (await readdir(stored)).filter((entry) => !entry.startsWith('.')),
    [],
  );
  await held.giveBack('keep');
});

test('caches that a killed worker was removing are gone when the next one starts', async (t) => {
  const { stored, root, clock } = await aPlace(t);
  await mkdir(join(stored, '.condemned-1/deep'), { recursive: true });
  await writeFile(join(stored, '.record.json'), '{"half a rec');
  await openCaches(join(root, 'caches'), clock);
  assert.deepEqual(await readdir(stored), ['.record.json']);
});

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../clock.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { openControlGroups } from './control-groups.ts';

/** Files like those of the kernel. */
const aTree = async (t: TestContext, directories: readonly string[], files: Record<string, string>) => {
  const root = await temporaryDirectory(t);
  for (const directory of directories) await mkdir(join(root, directory), { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content);
  const read = (path: string) => readFile(join(root, path), 'utf8');
  const options = { clock: systemClock, name: 'runs', root, own: join(root, 'own') };
  return { root, read, options };
};

test('version 2: the worker moves into a group beside those of its commands, and lets them be limited', async (t) => {
  const { root, read, options } = await aTree(t, ['service/taskyard'], {
    'cgroup.controllers': 'memory pids\n',
    own: '0::/service/taskyard\n',
  });
  const groups = openControlGroups({ ...options, memoryMiB: 64, pidsMax: 16 });
  const parent = 'service/taskyard';
  assert.equal(await read(`${parent}/worker/cgroup.procs`), String(process.pid));
  assert.equal(await read(`${parent}/cgroup.subtree_control`), '+memory +pids');
  const words = groups?.open().entering(['bwrap', 'x']) ?? [];
  const [group = ''] = words.slice(4);
  assert.match(group, new RegExp(`^${root}/${parent}/taskyard-[0-9a-f]{16}-${process.pid}-0$`));
  assert.deepEqual(words.slice(5), ['--', 'bwrap', 'x']);
  assert.equal(await readFile(join(group, 'memory.max'), 'utf8'), String(64 * 1024 * 1024));
  assert.equal(await readFile(join(group, 'pids.max'), 'utf8'), '16');
  // The next worker of the same service is in the group of the first.
  await writeFile(options.own, '0::/service/taskyard/worker\n');
  openControlGroups({ ...options, name: 'others', memoryMiB: undefined, pidsMax: 16 })?.open();
  assert.deepEqual(
    (await readdir(join(root, parent))).filter((name) => name === 'worker'),
    ['worker'],
  );
});

test('what the kernel says of memory that ran out is heard, in both versions', async (t) => {
  const { options } = await aTree(t, ['memory/a'], { own: '4:memory:/a\n' });
  const group = openControlGroups({ ...options, memoryMiB: 64, pidsMax: undefined })?.open();
  const [path = ''] = group?.entering([]).slice(4) ?? [];
  await writeFile(join(path, 'memory.oom_control'), 'under_oom 0\noom_kill 0\n');
  assert.equal(group?.ranOutOfMemory(), false);
  await writeFile(join(path, 'memory.oom_control'), 'under_oom 0\noom_kill 2\n');
  assert.equal(group?.ranOutOfMemory(), true);
});

test('groups are not made where there is nothing to limit, and their lack is told where there is', async (t) => {
  const { options } = await aTree(t, [], { own: '' });
  assert.equal(openControlGroups({ ...options, memoryMiB: undefined, pidsMax: undefined }), undefined);
  assert.throws(
    () => openControlGroups({ ...options, memoryMiB: undefined, pidsMax: 8 }),
    /cannot be limited here: there is no controller for pids/,
  );
});

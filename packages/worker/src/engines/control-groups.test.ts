import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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
  const groups = openControlGroups({ ...options, memoryMiB: 64, cpus: 1.5, pidsMax: 16 });
  const parent = 'service/taskyard';
  assert.equal(await read(`${parent}/worker/cgroup.procs`), String(process.pid));
  assert.equal(await read(`${parent}/cgroup.subtree_control`), '+memory +cpu +pids');
  const words = groups?.open().entering(['bwrap', 'x']) ?? [];
  const [group = ''] = words.slice(4);
  assert.match(group, new RegExp(`^${root}/${parent}/taskyard-[0-9a-f]{16}-${process.pid}-0$`));
  assert.deepEqual(words.slice(5), ['--', 'bwrap', 'x']);
  assert.equal(await readFile(join(group, 'memory.max'), 'utf8'), String(64 * 1024 * 1024));
  assert.equal(await readFile(join(group, 'pids.max'), 'utf8'), '16');
  assert.equal(await readFile(join(group, 'cpu.max'), 'utf8'), '150000 100000');
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

test('version 1: each limit has a group below that of the worker', async (t) => {
  const { root, read, options } = await aTree(t, ['memory/a', 'cpu/a/b', 'pids'], {
    own: '5:pids:/\n4:cpu,cpuacct:/a/b\n3:memory:/a\n',
  });
  const limits = { memoryMiB: 8, cpus: 0.001, pidsMax: 3 };
  const groups =
    openControlGroups({ ...options, ...limits })
      ?.open()
      .entering(['bwrap'])
      .slice(4, 7) ?? [];
  const [memory = '', cpu = '', pids = ''] = groups.map((path) => path.slice(root.length + 1));
  assert.match(memory, /^memory\/a\/taskyard-/);
  assert.equal(await read(join(memory, 'memory.limit_in_bytes')), String(8 * 1024 * 1024));
  assert.match(cpu, /^cpu\/a\/b\/taskyard-/);
  assert.equal(await read(join(cpu, 'cpu.cfs_period_us')), '100000');
  assert.equal(await read(join(cpu, 'cpu.cfs_quota_us')), '1000');
  assert.equal(await read(join(pids, 'pids.max')), '3');
});

test('a group that cannot be limited does not stay', async (t) => {
  const { root, options } = await aTree(t, ['memory/a', 'pids/b'], { own: '4:memory:/a\n5:pids:/b\n' });
  const groups = openControlGroups({ ...options, memoryMiB: 64, pidsMax: 4 });
  await rm(join(root, 'pids'), { recursive: true });
  // The group for memory was made by then. Unlike the kernel's, this one holds a file.
  assert.throws(() => groups?.open());
  assert.deepEqual(await readdir(join(root, 'memory/a')), []);
});

test('groups are not made where there is nothing to limit, and their lack is told where there is', async (t) => {
  const { options } = await aTree(t, [], { own: '' });
  assert.equal(openControlGroups({ ...options, memoryMiB: undefined, pidsMax: undefined }), undefined);
  assert.throws(
    () => openControlGroups({ ...options, memoryMiB: undefined, pidsMax: 8 }),
    /cannot be limited here: there is no controller for pids/,
  );
});

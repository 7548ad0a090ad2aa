import assert from 'node:assert/strict';
import { mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/places.ts';
import { containerOutside } from './docker/container-outside.ts';
import { makeOutside, outsideArguments, sandboxOutside } from './outside.ts';
import { outsideRulesSuite } from './testing/outside-rules-suite.ts';

const parts = { readOnly: ['/usr', '/etc/hosts', '/opt/node/bin'], runs: '/srv/worker/runs' };
const rules = sandboxOutside(parts);

outsideRulesSuite('outside', ({ runs }) => sandboxOutside({ ...parts, runs }));
outsideRulesSuite('container-outside', containerOutside);

test('a sandbox shows mounts themselves, and of artifacts the directories that hold them', () => {
  const shown = rules.shownFor([
    { path: '/builds/cache/', use: 'mount' },
    { path: '/builds/./out/report', use: 'file' },
    { path: '/data/x', use: 'directory' },
    { path: '/out', use: 'directory' },
  ]);
  assert.deepEqual(shown, ['/out', '/data', '/builds/out', '/builds/cache']);
});

test('what is inside a shown directory is shown with it, but not on the way to the runs', () => {
  const shown = rules.shownFor([
    { path: '/srv/a/b/c', use: 'mount' },
    { path: '/srv/report', use: 'file' },
    { path: '/srv/worker/cache', use: 'mount' },
  ]);
  assert.deepEqual(shown, ['/srv', '/srv/worker/cache']);
  assert.deepEqual(outsideArguments({ root: '/root-of-task', shown }, parts), [
    ...['--bind', '/root-of-task/srv', '/srv', '--tmpfs', '/srv/worker'],
    ...['--bind', '/root-of-task/srv/worker/cache', '/srv/worker/cache'],
  ]);
});

test('a sandbox has nothing at the root, in the system, or where the worker is', () => {
  const refused = [
    ['/', 'directory'],
    ['/a', 'file'],
    ['/usr/a', 'mount'],
    ['/usr/../usr/a/b', 'file'],
    ['/etc/a', 'file'],
    ['/etc', 'mount'],
    ['/opt', 'mount'],
    ['/opt/a', 'file'],
    ['/srv', 'mount'],
    ['/srv/worker/runs/a/b', 'file'],
    ['/srv/worker/runs/a', 'mount'],
  ] as const;
  for (const [path, use] of refused) assert.ok(rules.refusal({ path, use }), `${path} as ${use}`);
  const fine = [
    ['/a', 'mount'],
    ['/etc/a', 'directory'],
    ['/etc/a', 'mount'],
    ['/srv/a', 'file'],
    ['/usr-like/a', 'file'],
    ['/srv/worker/runs-like/a', 'mount'],
  ] as const;
  for (const [path, use] of fine) assert.equal(rules.refusal({ path, use }), undefined, `${path} as ${use}`);
});

test('what is to be shown is made, and no link that is there is followed', async (t) => {
  const root = await temporaryDirectory(t);
  await makeOutside({ root, shown: ['/var', '/srv'] }, parts);
  assert.equal((await stat(join(root, 'var/tmp'))).mode & 0o7777, 0o1777);
  assert.deepEqual(await readdir(join(root, 'srv')), ['worker']);
  const elsewhere = await temporaryDirectory(t);
  await mkdir(join(elsewhere, 'x'));
  await symlink(elsewhere, join(root, 'builds'));
  await assert.rejects(makeOutside({ root, shown: ['/builds/a'] }, parts), { code: 'ENOTDIR' });
  assert.deepEqual(await readdir(elsewhere), ['x']);
  const modeBefore = (await stat(elsewhere)).mode;
  await rm(join(root, 'var/tmp'), { recursive: true });
  await symlink(elsewhere, join(root, 'var/tmp'));
  await makeOutside({ root, shown: ['/var'] }, parts);
  assert.equal((await stat(elsewhere)).mode, modeBefore);
});

test('a container has mounts anywhere but at its root, the kernel and the worker', () => {
  const inContainer = containerOutside({ runs: '/srv/worker/runs' });
  for (const path of ['/', '/a:b', '/proc/x', '/srv', '/srv/worker/runs/a']) {
    assert.ok(inContainer.refusal({ path, use: 'mount' }), path);
  }
  assert.equal(inContainer.refusal({ path: '/usr/local/x', use: 'mount' }), undefined);
  assert.equal(inContainer.refusal({ path: '/etc/report', use: 'file' }), undefined);
  assert.ok(inContainer.refusal({ path: '/', use: 'directory' }));
  const shown = inContainer.shownFor([
    { path: '/a/b', use: 'mount' },
    { path: '/a', use: 'mount' },
    { path: '/out', use: 'directory' },
  ]);
  assert.deepEqual(shown, ['/a']);
});

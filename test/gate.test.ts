import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { within } from '@taskyard/patience';
import { runProgram } from './support/command.ts';
import { root } from './support/platform.ts';

// What .ci/run is made of, besides the tests: what it installs, what it leaves behind, and `npm run verify`.

const aFolder = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-gate-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  return folder;
};

const writeProgram = async (path: string, lines: readonly string[]): Promise<void> => {
  await writeFile(path, `${lines.join('\n')}\n`);
  await chmod(path, 0o755);
};

/** Where each of the few programs is found that scripts/ci/install cannot do without, and one says who calls. */
const aBareMachine = async (t: TestContext, userId: number): Promise<string> => {
  const folder = await aFolder(t);
  for (const name of ['bash', 'dirname', 'head', 'cat', 'touch']) {
    const { out } = await runProgram('sh', ['-c', `command -v ${name}`]);
    await symlink(out.trim(), join(folder, name));
  }
  await writeProgram(join(folder, 'id'), ['#!/bin/sh', `echo ${userId}`]);
  return folder;
};

const install = (path: string, env: Record<string, string> = {}) =>
  runProgram('/bin/bash', [join(root, 'scripts/ci/install')], { env: { ...env, PATH: path } });

describe('scripts/ci/install', () => {
  it('names what only root can install, and continues', async (t) => {
    const { out, code, err } = await install(await aBareMachine(t, 1000));
    assert.equal(code, 0, err);
    const [, names = ''] =
      /^not installed, and only root can: (.*)\. Tests that need them are left out\.$/m.exec(out) ?? [];
    for (const name of ['bubblewrap', 'docker.io', 'zstd', 'lz4', 'zip', 'python3-venv'])
      assert.ok(names.split(' ').includes(name), `${name} is not among ${names}`);
  });

  it('installs with the package lists that are there, and where these are old or absent with new ones', {
    skip: process.getuid?.() !== 0 && 'only root takes turns with others that install',
  }, async (t) => {
    for (const isFresh of [true, false]) {
      const path = await aBareMachine(t, 0);
      const [calls, lists] = [join(path, 'calls'), join(path, 'lists')];
      if (isFresh) await writeFile(lists, '');
      await writeProgram(join(path, 'apt-get'), [
        '#!/bin/sh',
        'echo "$1" >>"$CALLS"',
        'if [ "$1" = update ]; then touch "$LISTS"; else [ -e "$LISTS" ]; fi',
      ]);
      const { out, code, err } = await install(path, { CALLS: calls, LISTS: lists });
      assert.equal(code, 0, err);
      assert.match(out, /^installing bubblewrap .*zstd/m);
      const expected = isFresh ? ['install'] : ['install', 'update', 'install'];
      assert.deepEqual((await readFile(calls, 'utf8')).trim().split('\n'), expected);
    }
  });

  it('prints the versions that it found', async (t) => {
    const path = await aBareMachine(t, 1000);
    await symlink(process.execPath, join(path, 'node'));
    const { out } = await install(path);
    assert.match(out, new RegExp(`^node +${process.version}$`, 'm'));
    assert.match(out, /^docker *$/m);
  });
});

describe('scripts/ci/leftovers', { skip: !existsSync('/proc/self') && 'there is no /proc' }, () => {
  const look = (place: string, mark: string) =>
    runProgram('bash', [join(root, 'scripts/ci/leftovers')], {
      env: { TMPDIR: place, TASKYARD_CI_MARK: mark },
    });

  it('is content where nothing is left', async (t) => {
    const place = await aFolder(t);
    assert.deepEqual(await look(place, place), { out: '', err: '', code: 0 });
  });

  it('names and ends processes with the mark, or with the folder as directory, argument or home, or with that of databases', async (t) => {
    const place = await aFolder(t);
    const bare = { PATH: process.env.PATH };
    const inside = join(place, 'inside');
    await mkdir(inside);
    const idle = ['-c', 'while :; do sleep 1; done'];
    const start = (words: string[], cwd: string, env: NodeJS.ProcessEnv): ChildProcess =>
      spawn('bash', words, { cwd, env, stdio: 'ignore' });
    const planted = [
      start([...idle, 'marked'], '/', { ...bare, TASKYARD_CI_MARK: place }),
      start([...idle, 'inside'], inside, bare),
      start([...idle, `--data=${place}/data`], '/', bare),
      start([...idle, `--data=/dev/shm/ci-${place}-x/data`], '/', bare),
      start([...idle, 'at-home'], '/', { ...bare, HOME: `${place}/home` }),
    ];
    const other = start([...idle, 'other'], '/', { ...bare, HOME: `${place}-of-another` });
    t.after(() => other.kill('SIGKILL'));
    const ends = planted.map((child) => once(child, 'exit'));
    const { out, code } = await look(place, place);
    assert.equal(code, 1);
    assert.match(out, /^Left running by this run:$/m);
    for (const { pid } of planted) assert.match(out, new RegExp(`^ +${pid} bash -c while`, 'm'));
    assert.doesNotMatch(out, new RegExp(`^ +${other.pid} `, 'm'));
    for (const end of ends)
      assert.deepEqual(await within('what was left to be ended', end), [null, 'SIGKILL']);
    assert.equal(other.exitCode ?? other.signalCode, null);
  });
});

describe('npm run verify', () => {
  it('runs .ci/run of HEAD in an empty folder, names what it leaves out, and ends with its status', async (t) => {
    const folder = await aFolder(t);
    for (const name of ['scripts', '.ci']) await mkdir(join(folder, name));
    await copyFile(join(root, 'scripts/verify.mjs'), join(folder, 'scripts/verify.mjs'));
    await writeProgram(join(folder, '.ci/run'), ['pwd', 'ls', 'exit 7']);
    const who = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];
    for (const words of [
      ['init', '--quiet'],
      ['add', '.'],
      [...who, 'commit', '--quiet', '-m', 'one'],
    ]) {
      const { code, err } = await runProgram('git', words, { cwd: folder });
      assert.equal(code, 0, err);
    }
    await writeFile(join(folder, 'not-committed'), '');
    const { out, code } = await runProgram(process.execPath, ['scripts/verify.mjs'], { cwd: folder });
    assert.equal(code, 7);
    const [, place = '', found] =
      /^Not committed, so not verified:\n\?\? not-committed\n\n(\/.*)\n([\s\S]*)$/.exec(out) ?? [];
    assert.equal(found, 'scripts\n');
    assert.notEqual(place, folder);
    assert.equal(existsSync(place), false, `${place} is still there`);
  });
});

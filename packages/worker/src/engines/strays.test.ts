import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { systemClock } from '../clock.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { environmentOf, killStrays, markerVariable, mayShowMore, Strangers } from './strays.ts';

const skip = process.platform !== 'linux' && 'only Linux shows the environment of other processes';

const started = async (t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> => {
  const child = spawn('/bin/sh', args, { env, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child.pid as number;
};
const statOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8');

test('a process that is just starting a program is not taken for a stranger', { skip }, async (t) => {
  const directory = await temporaryDirectory(t);
  const again = join(directory, 'again.sh');
  await writeFile(again, `exec /bin/sh ${again}\n`);
  const task = join(directory, 'task');
  const pid = await started(t, [again], { [markerVariable]: task });
  const strange = new Set<string>();
  for (let i = 0; i < 8000; i++) {
    const environment = environmentOf(pid);
    if (environment !== undefined && !environment.includes(`${markerVariable}=${task}`))
      strange.add(environment);
  }
  assert.deepEqual([...strange], []);
  assert.equal(await killStrays(directory, { clock: systemClock }), 1);
});

test('a process without an environment, or one that has ended, is not waited for', { skip }, async (t) => {
  // The shell becomes `cat`, which never takes note of its child's end.
  const pid = await started(t, ['-c', 'true & exec env -i cat'], {});
  const child = await eventually('the child to have ended', () => {
    const [one = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return / Z /.test(one && statOf(Number(one))) && Number(one);
  });
  await eventually('the shell to have become another program', () => statOf(pid).includes('(cat)'));
  for (const one of [pid, child]) {
    assert.equal(mayShowMore(statOf(one)), false);
    assert.equal(environmentOf(one), '');
  }
});

test('what is known to be of no task is not looked at again', { skip }, async (t) => {
  const directory = await temporaryDirectory(t);
  const strangers = new Strangers(directory, systemClock);
  const [mine, other, bare] = [
    await started(t, ['-c', 'read line'], { [markerVariable]: join(directory, 'task') }),
    await started(t, ['-c', 'read line'], { SOME: 'value' }),
    await started(t, ['-c', 'exec env -i cat'], {}),
  ];
  await eventually('the shell to have become another program', () => statOf(bare).includes('(cat)'));
  for (const pid of [mine, other, bare]) strangers.note(pid, environmentOf(pid) ?? '');
  // The last may be about to start a program with the environment of a task.
  assert.deepEqual(
    [mine, other, bare].map((pid) => strangers.has(pid)),
    [false, true, false],
  );
  // Number 2 starts the threads of the kernel; in a container it may be any process.
  const isKernel = existsSync('/proc/2/stat') && /^2 \(kthreadd\) /.test(statOf(2));
  strangers.note(2, '');
  assert.equal(strangers.has(2), isKernel);
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { defaultPath } from '../../config.ts';
import { aStage, type Choice, processesWith, untilGone } from './stage.ts';

/** What every engine must do with the commands of a task; `skip` says why this machine cannot show it. */
export const engineSuite = (choice: Choice, onlyHere: { readonly skip: string | false }): void => {
  test(`${choice}: standard output and error arrive in the order they were printed`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const { exit, text } = await stage.run('for i in 1 2 3; do echo o$i; echo e$i >&2; done; exit 5');
    assert.deepEqual(exit, { exitCode: 5 });
    assert.equal(text, 'o1\ne1\no2\ne2\no3\ne3\n');
  });

  test(`${choice}: output can be opened again by its name in /dev`, onlyHere, async (t) => {
    const { text } = await (await aStage(t, choice)).run(
      'echo a > /dev/stdout; echo b > /dev/stderr; echo c',
    );
    assert.equal(text, 'a\nb\nc\n');
  });

  test(`${choice}: a command has the environment that it is given and no other`, onlyHere, async (t) => {
    process.env.SECRET_OF_THE_WORKER = 'x';
    t.after(() => delete process.env.SECRET_OF_THE_WORKER);
    const stage = await aStage(t, choice);
    await (await stage.start(['env'], { A: 'two words', B: '' })).wait();
    const names = (await stage.text()).trim().split('\n').sort();
    // What a container itself, and the shell that merges its outputs, add.
    const added = choice === 'docker' ? /^(PWD|SHLVL|HOSTNAME|HOME|TERM|container)=/ : /^PWD=/;
    assert.deepEqual(
      names.filter((line) => !added.test(line)),
      ['A=two words', 'B=', `PATH=${defaultPath()}`, `TASK_WORKDIR=${stage.task}`],
    );
  });

  test(`${choice}: a command starts in its directory and can write there`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const { text } = await stage.run('pwd; echo x > file');
    assert.equal(text, `${stage.task}\n`);
    assert.equal(await readFile(join(stage.task, 'file'), 'utf8'), 'x\n');
  });

  test(`${choice}: a program that is not there fails with a reason in the log`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const exit = await (await stage.start(['no-such-program'])).wait();
    assert.notEqual(exit.exitCode, 0);
    assert.match(await stage.text(), /no-such-program/);
  });

  test(`${choice}: arguments that are too long fail the command, not the worker`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const exit = await (await stage.start(['echo', 'x'.repeat(3_000_000)])).wait();
    // A container's init has an exit code of its own for that.
    if (choice === 'docker') assert.match(await stage.text(), /too long/);
    else assert.equal(exit.exitCode, 126);
    assert.notEqual(exit.exitCode, 0);
  });

  test(
    `${choice}: SIGTERM reaches every process of a command, and lets it say goodbye`,
    onlyHere,
    async (t) => {
      const stage = await aStage(t, choice);
      const script = 'trap "echo child; exit" TERM; echo child is up; while :; do sleep 0.02; done';
      const command = await stage.start([
        '/bin/sh',
        '-c',
        `(${script}) & trap "wait; echo parent; exit 3" TERM; echo parent is up; while :; do sleep 0.02; done`,
      ]);
      await eventually(
        'parent and child to be up',
        async () => (await stage.text()).match(/is up/g)?.length === 2,
      );
      command.terminate();
      assert.deepEqual(await command.wait(), { exitCode: 3 });
      assert.match(await stage.text(), /child\n(Terminated\n)*parent\n$/);
    },
  );

  test(`${choice}: SIGKILL ends the whole group, also what ignores SIGTERM`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const word = `stubborn-${process.pid}-${choice}`;
    const command = await stage.start([
      '/bin/sh',
      '-c',
      `trap "" TERM; sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done' ${word} & wait`,
    ]);
    await eventually('the command to be ready', async () => (await stage.text()).includes('ready'));
    command.terminate();
    assert.notDeepEqual(await processesWith(word), []);
    command.kill();
    await command.wait();
    assert.deepEqual(await processesWith(word), []);
  });

  test(`${choice}: what a command leaves in the background ends with it`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const word = `left-${process.pid}-${choice}`;
    const { exit } = await stage.run(
      `sh -c 'echo on; while :; do sleep 0.05; done' ${word} & sleep 0.1; exit 0`,
    );
    assert.deepEqual(exit, { exitCode: 0 });
    await untilGone(word);
  });

  test(`${choice}: a daemon in a session of its own does not outlive its task`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const word = `daemon-${process.pid}-${choice}`;
    await stage.run(
      `setsid sh -c 'while :; do sleep 0.05; done' ${word} >/dev/null 2>&1 </dev/null & sleep 0.1`,
    );
    await stage.engine.sweep(stage.task);
    await untilGone(word);
  });

  test(`${choice}: a gigabyte would pass: sixty-four megabytes arrive whole`, onlyHere, async (t) => {
    const { exit, text } = await (await aStage(t, choice)).run('head -c 67108864 /dev/zero | tr "\\0" x');
    assert.deepEqual(exit, { exitCode: 0 });
    assert.equal(text.length, 67_108_864);
  });
};

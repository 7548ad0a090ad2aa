import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { type Ended, runProgram } from './support/command.ts';
import { freePort } from './support/free-port.ts';
import { packagesIn } from './support/installed.ts';
import { plainEnvironment, root } from './support/platform.ts';

/** A block of the guide that is meant for a machine: commands, commands that go on, or the text of a file. */
interface Block {
  readonly machine: 'one' | 'two';
  readonly what: string;
  readonly text: string;
}

const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/<!-- (one|two)(?:: (\S+))? -->\n```\w+\n([\s\S]*?)```/g)].map(
    ([, machine, what = 'commands', text = '']) => ({ machine: machine as 'one' | 'two', what, text }),
  );

/** Two folders in place of machines, with the names of the guide replaced by local ones. */
const twoMachines = async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-second-day-'));
  const [one, two] = [await mkdtemp(join(folder, 'one-')), await mkdtemp(join(folder, 'two-'))];
  const port = await freePort();
  const running: ChildProcess[] = [];
  t.after(async () => {
    for (const child of running.reverse()) {
      if (child.exitCode === null && child.signalCode === null && child.pid) {
        const ended = once(child, 'exit');
        process.kill(-child.pid, 'SIGTERM');
        await ended;
      }
    }
    await eventually('the server to end', () => !existsSync(join(one, 'data/server.json')));
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  // `npx` finds the command of the checkout.
  await symlink(join(root, 'node_modules'), join(one, 'node_modules'));
  const environments = {
    one: { ...plainEnvironment(), TASKYARD_DATA: join(one, 'data') },
    two: {
      ...plainEnvironment(),
      npm_config_prefix: join(two, 'global'),
      npm_config_offline: 'true',
      PATH: `${join(two, 'global/bin')}:${process.env.PATH}`,
    },
  };
  const folders = { one, two };
  const here = (text: string): string =>
    text
      .replaceAll('one.example.com:8080', `127.0.0.1:${port}`)
      .replaceAll('--host 0.0.0.0 --port 8080', `--host 127.0.0.1 --port ${port}`)
      .replaceAll('/tmp/example-tool', join(two, 'example-tool'));
  const run = (machine: 'one' | 'two', text: string): Promise<Ended> =>
    runProgram('bash', ['-e', '-c', here(text)], {
      cwd: folders[machine],
      env: environments[machine] as Record<string, string>,
    });
  const start = (machine: 'one' | 'two', text: string): void => {
    const child = spawn('bash', ['-e', '-c', here(text)], {
      cwd: folders[machine],
      env: environments[machine],
      stdio: 'ignore',
      detached: true,
    });
    running.push(child);
  };
  return { one, two, port, here, run, start };
};

test('two machines and the day after, as the guide says', async (t) => {
  const { one, two, port, here, run, start } = await twoMachines(t);
  const guide = blocksOf(await readFile(join(root, 'docs/guides/two-machines.md'), 'utf8'));
  assert.equal(guide.length, 10);
  await mkdir(join(one, 'project'));
  const packages = await packagesIn(join(one, 'dist'));
  const outputs: string[] = [];
  for (const { machine, what, text } of guide) {
    if (machine === 'two' && text.includes('npm install')) {
      await copyFile(join(one, 'worker.env'), join(two, 'worker.env'));
      for (const name of await readdir(packages)) await copyFile(join(packages, name), join(two, name));
    }
    if (what === 'background') {
      start(machine, text);
      if (machine === 'one')
        await eventually('the server to answer', () =>
          fetch(`http://127.0.0.1:${port}/api/queue/v1/ping`).then(
            ({ ok }) => ok,
            () => false,
          ),
        );
    } else if (what === 'commands') {
      const { out, err, code } = await run(machine, text);
      assert.equal(code, 0, `${text}\n${out}\n${err}`);
      outputs.push(out);
    } else await writeFile(join(one, what), here(text));
  }
  const [, , created = '', why = '', , mended = ''] = outputs;
  assert.match(created, /✖ build {2}failed/);
  assert.match(why, /two machines +.*1 failed/);
  assert.match(why, /^build: failed\n/m);
  assert.match(why, /│ .*version/);
  assert.match(mended, /Every task completed: 2 completed/);
  assert.match(mended, /results\/build\/public\/built\.txt\nbuilt by\n1\.0\n$/);
});

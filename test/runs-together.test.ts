import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { Queue } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { plainEnvironment, readVariables, taskyard } from './support/platform.ts';

/** A task that ends as soon as the file `go-<name>` exists next to the graph. */
const graphOf = (name: string): object => ({
  version: 1,
  name,
  tasks: {
    [`wait ${name}`]: {
      payload: {
        maxRunTime: 600,
        command: [['sh', '-c', `until [ -e '\${dir}/go-${name}' ]; do sleep 0.1; done; echo ${name} > out`]],
        artifacts: [{ type: 'file', path: 'out', name: 'public/out' }],
      },
    },
  },
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
  /** The group, as soon as its task runs. */
  readonly running: Promise<string>;
}

const aFolder = async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-runs-'));
  const children: ChildProcess[] = [];
  const platformPid = async (): Promise<number> =>
    (JSON.parse(await readFile(join(folder, 'data/server.json'), 'utf8')) as { pid: number }).pid;
  const isPlatformThere = (): boolean => existsSync(join(folder, 'data/platform.json'));
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await eventually('the platform to end', () => !isPlatformThere());
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  const run = async (name: string): Promise<Run> => {
    const file = join(folder, `${name}.yml`);
    await writeFile(file, JSON.stringify(graphOf(name)));
    const words = [taskyard, 'run', file, '--data', join(folder, 'data'), '--json'];
    const child = spawn(process.execPath, words, { cwd: folder, env: plainEnvironment() });
    children.push(child);
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    const ended = Promise.all([text(child.stderr), once(child, 'close')]).then(([err, [code]]) => ({
      code: code as number | null,
      out: seen,
      err,
    }));
    const running = eventually(`the task of ${name} to run`, () => {
      const isRunning = seen.includes('"state":"running"');
      return isRunning && seen.match(/"taskGroupId":"([\w-]{22})"/)?.[1];
    });
    return { child, ended, running };
  };
  return {
    folder,
    run,
    platformPid,
    isPlatformThere,
    letGo: (name: string) => writeFile(join(folder, `go-${name}`), ''),
    queue: async () => {
      const variables = await readVariables(join(folder, 'data/credentials.env'));
      const { TASKCLUSTER_ROOT_URL: rootUrl = '', TASKCLUSTER_CLIENT_ID: clientId = '' } = variables;
      const accessToken = variables.TASKCLUSTER_ACCESS_TOKEN ?? '';
      return new Queue({ rootUrl, credentials: { clientId, accessToken } });
    },
  };
};

const endsOf = async (queue: Queue, taskGroupId: string) =>
  (await queue.listTaskGroup(taskGroupId)).tasks.map(({ status }) => status.runs.at(-1)?.reasonResolved);

test('two runs in one folder, at once from nothing, share a platform until the last has ended', async (t) => {
  const { folder, run, letGo, isPlatformThere } = await aFolder(t);
  const [first, second] = await Promise.all([run('first'), run('second')]);
  await Promise.all([first.running, second.running]);
  await letGo('first');
  const { code, err } = await first.ended;
  assert.equal(code, 0, err);
  assert.ok(isPlatformThere());
  await letGo('second');
  const end = await second.ended;
  assert.equal(end.code, 0, end.err);
  assert.equal(await readFile(join(folder, 'data/out/second/wait second/public/out'), 'utf8'), 'second\n');
  assert.equal(isPlatformThere(), false);
});

test('a run that is killed takes its own tasks with it, and no other run', async (t) => {
  const { run, letGo, queue } = await aFolder(t);
  const killed = await run('killed');
  const group = await killed.running;
  const other = await run('other');
  await other.running;
  killed.child.kill('SIGKILL');
  const asked = await queue();
  await eventually(
    'the tasks of the killed run to be canceled',
    () => endsOf(asked, group),
    (reasons) => reasons.every((reason) => reason === 'canceled'),
  );
  await letGo('other');
  const { code, err } = await other.ended;
  assert.equal(code, 0, err);
});

test('the tasks of a run that was killed with its platform are not run by the next one', async (t) => {
  const { run, letGo, queue, platformPid } = await aFolder(t);
  const killed = await run('killed');
  const group = await killed.running;
  process.kill(await platformPid(), 'SIGKILL');
  const { code, err } = await killed.ended;
  assert.equal(code, 1);
  assert.match(err, /"The platform ended while it ran the graph. Its log is .*platform\.log\."/);
  const next = await run('next');
  await next.running;
  assert.deepEqual(await endsOf(await queue(), group), ['canceled']);
  await letGo('next');
  assert.equal((await next.ended).code, 0);
});

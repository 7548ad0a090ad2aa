import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { leftOutFor } from '@taskyard/patience';
import { aLine } from '../support/line.ts';
import { aHome, type Ending, type Platform, plainEnvironment, root } from '../support/platform.ts';

const folder = join(root, 'test/journeys');
const python = join(folder, 'python/.venv/bin/python');
const rust = join(folder, 'rust/target/debug/journeys');
const go = { cwd: join(folder, 'go'), env: { ...plainEnvironment(), GOPROXY: 'off' } };

/** Whether a program does something without an error. */
const can = (program: string, words: readonly string[], options: object = {}): boolean => {
  try {
    execFileSync(program, words, { ...options, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Whether Go is there, and all modules that our program needs: a test fetches nothing. */
const hasGo = (): boolean => can('go', ['list', '-deps', '.'], go);

/** What everybody may see of a public project. */
const anonymous = {
  description: 'What everybody may see',
  scopes: [
    'auth:current-scopes',
    'auth:get-client:*',
    'index:find-task:*',
    'index:list-tasks:*',
    'queue:get-artifact:public/*',
    'queue:get-task:*',
    'queue:list-artifacts:*',
    'queue:list-task-group:*',
    'queue:status:*',
  ],
};

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

describe('clients that others wrote', () => {
  const cleanUps: (() => Promise<void>)[] = [];
  const all: Ending = { after: (cleanUp) => cleanUps.push(cleanUp) };
  let platform: Platform;
  before(async () => {
    platform = await (await aHome(all)).start({ WORKER_ENGINE: 'process' });
    const line = aLine(platform);
    const { status } = await line.call('PUT', 'auth/v1/roles/anonymous', anonymous);
    line.close();
    assert.equal(status, 200);
  });
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });

  /** Runs a program that takes the platform from the variables that all clients know. */
  const run = async ({ command, args, cwd = root, env = plainEnvironment() }: Program): Promise<void> => {
    const program = spawn(command, args, {
      cwd,
      env: {
        ...env,
        TASKCLUSTER_ROOT_URL: platform.rootUrl,
        TASKCLUSTER_CLIENT_ID: platform.credentials.clientId,
        TASKCLUSTER_ACCESS_TOKEN: platform.credentials.accessToken,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [said, failures, [code]] = await Promise.all([
      text(program.stdout),
      text(program.stderr),
      once(program, 'close'),
    ]);
    assert.equal(code, 0, `${said}${failures}`);
  };

  it('the npm package taskcluster-client: a task, and every method of every service', () =>
    run({ command: process.execPath, args: [join(folder, 'node/main.mjs')] }));

  const noPython = leftOutFor(
    !existsSync(python) && 'the Python packages are not installed: see test/journeys/README.md',
  );
  const runPython = (program: string, ...args: string[]) =>
    run({ command: python, args: [join(folder, 'python', program), ...args] });

  it('the PyPI package taskcluster: a task, and every service', { skip: noPython }, () =>
    runPython('journey.py', 'sync'),
  );

  it('the PyPI package taskcluster with asyncio: the same', { skip: noPython }, () =>
    runPython('journey.py', 'async'),
  );

  it(
    'the PyPI package taskcluster-taskgraph: it submits a graph, reads it, retriggers and reruns by a hook, and loads a task',
    { skip: noPython },
    () => runPython('graph.py'),
  );

  it('the PyPI package scriptworker: it runs what succeeds, fails and is cancelled', { skip: noPython }, () =>
    runPython('worker.py'),
  );

  it(
    'taskgraph in a task: a worker runs a graph that its decision task submits by its proxy',
    {
      skip: noPython,
    },
    () => runPython('decision.py'),
  );

  it(
    'the PyPI package tc-admin: it applies a configuration from a task, twice, and then finds nothing that differs',
    { skip: noPython },
    () => runPython('configuration.py'),
  );

  // In CI as well where there is no cargo.
  const noRust = can('cargo', ['--version'])
    ? leftOutFor(existsSync(rust) ? false : 'the crates are not built: see test/journeys/README.md')
    : 'cargo is not there: see test/journeys/README.md';

  it(
    'the crates taskcluster, taskcluster-upload and taskcluster-download: a task, and its files',
    {
      skip: noRust,
    },
    () => run({ command: rust, args: [] }),
  );

  // In CI as well: the registries that it reaches do not have these modules.
  const noGo = hasGo() ? false : 'Go or its modules are not there: see test/journeys/README.md';

  it("the original's Go module: a task, and every service", { skip: noGo }, () =>
    run({ command: 'go', args: ['run', '.'], ...go }),
  );
});

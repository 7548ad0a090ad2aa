import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Auth, fromNow, Index, Queue, slugid } from '@taskyard/client';
import { eventually, leftOutFor } from '@taskyard/patience';
import { type CommandOptions, type Ended, runProgram } from './command.ts';
import { type Platform, root, taskyard } from './platform.ts';

// A user's repository that has a .taskcluster.yml, and a server on which others publish what they make.

/** Runs git in a folder; returns what it says. */
export const gitIn = async (folder: string, ...words: string[]): Promise<string> => {
  const who = ['-c', 'user.name=Dev', '-c', 'user.email=dev@example.org'];
  const { out, err, code } = await runProgram('git', [...who, '-C', folder, ...words]);
  assert.equal(code, 0, err);
  return out.trim();
};

/** Makes a checkout of `github.com/team/<name>` in a folder, without any commit. */
export const beginCheckout = async (folder: string, name: string): Promise<void> => {
  await gitIn(folder, 'init', '-q', '-b', 'main');
  await gitIn(folder, 'remote', 'add', 'origin', `https://github.com/team/${name}.git`);
};

/** Commits a file as it is, and pushes nothing; returns the commit. */
export const commitFile = async (folder: string, text: string): Promise<string> => {
  await writeFile(join(folder, '.taskcluster.yml'), text);
  await gitIn(folder, 'add', '.taskcluster.yml');
  await gitIn(folder, 'commit', '-q', '--allow-empty', '-m', 'Change the tasks');
  return gitIn(folder, 'rev-parse', 'HEAD');
};

/** Where CI puts what the journeys in Python need. */
export const pythonFolder = join(root, 'test/journeys/python/.venv');
export const noTaskgraph = leftOutFor(
  !existsSync(join(pythonFolder, 'bin/taskgraph')) && 'taskgraph is not installed: see scripts/ci/install',
);

/** Commits the example of taskgraph, as far as a change puts it, into a new checkout. */
export const commitTaskgraph = async (
  folder: string,
  change: () => Promise<void> = async () => {},
): Promise<void> => {
  await cp(join(root, 'examples/taskgraph'), folder, { recursive: true });
  await change();
  await beginCheckout(folder, 'taskgraph');
  await gitIn(folder, 'commit', '-q', '--allow-empty', '-m', 'Begin');
  await gitIn(folder, 'add', '.');
  await gitIn(folder, 'commit', '-q', '-m', 'Add tasks');
};

/** `taskyard run .taskcluster.yml` in a checkout, with a data folder: no containers, unless the environment says where. */
export const runIn = (
  { folder, data }: { readonly folder: string; readonly data: string },
  words: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> =>
  runProgram(process.execPath, [taskyard, 'run', '.taskcluster.yml', '--data', data, ...words], {
    cwd: folder,
    ...options,
    env: { TASKYARD_WORKER_ENGINE: 'process', DOCKER_HOST: 'unix:///nowhere/docker.sock', ...options.env },
  });

/** What every task of a file needs, beside its payload. */
export const aboutTask = (name: string): string =>
  `deadline: {$fromNow: 1 hour}
    metadata: {name: ${name}, description: d, owner: dev@example.org, source: 'https://example.org'}`;

/** Lets everybody read what is published on a server. */
export const openToAll = (upstream: Platform): Promise<unknown> =>
  new Auth(upstream).createRole('anonymous', {
    description: '',
    scopes: [
      'index:find-task:*',
      'queue:get-artifact:public/*',
      'queue:get-task:*',
      'queue:list-artifacts:*',
      'queue:status:*',
    ],
  });

/** Publishes a task with one artifact at some paths of a server's index; returns its id. */
export const publishOn = async (
  upstream: Platform,
  {
    paths,
    name,
    bytes,
  }: { readonly paths: readonly string[]; readonly name: string; readonly bytes: Buffer },
): Promise<string> => {
  const queue = new Queue(upstream);
  const [taskId, worker] = [slugid(), { workerGroup: 'g', workerId: 'w' }];
  const contentType = 'text/plain';
  await queue.createTask(taskId, {
    taskQueueId: 'others/linux',
    created: fromNow('0 seconds').toJSON(),
    deadline: fromNow('1 hour').toJSON(),
    payload: { kept: true },
    dependencies: [],
    routes: paths.map((path) => `index.${path}`),
    metadata: { name: 'dep', description: 'd', owner: 'o@example.org', source: 'https://example.org' },
  });
  await queue.claimTask(taskId, '0', worker);
  const artifact = {
    storageType: 's3',
    contentType,
    contentLength: bytes.length,
    expires: fromNow('1 day').toJSON(),
  } as const;
  const put = await queue.createArtifact(taskId, '0', name, artifact);
  const { putUrl = '' } = put as { putUrl?: string };
  const body = new Uint8Array(bytes);
  const { status } = await fetch(putUrl, { method: 'PUT', body, headers: { 'content-type': contentType } });
  assert.equal(status, 200);
  await queue.reportCompleted(taskId, '0');
  await eventually('the task to be in the index', async () => {
    const found = await new Index(upstream).findTask(paths.at(-1) ?? '').catch(() => undefined);
    return found?.taskId === taskId;
  });
  return taskId;
};

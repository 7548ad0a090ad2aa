import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { Auth, type CreateTaskRequest, openArtifact, Queue, slugid } from '@taskyard/client';
import { eventually, leftOutFor, within } from '@taskyard/patience';
import { aTask as aTaskWith } from './support/a-task.ts';
import { type Ended, runProgram } from './support/command.ts';
import { aHome, type Platform, plainEnvironment, root, taskyard } from './support/platform.ts';
import { aPostgres } from './support/postgres.ts';

// What a platform that serves others lets their tasks see of its machine.

const taskQueueId = 'local/built-in';

/** A machine without bubblewrap: all that this one has, but for the program. */
const without = (program: string): string[] => [
  '--die-with-parent',
  '--dev-bind',
  '/',
  '/',
  '--ro-bind',
  '/dev/null',
  program,
];
const bwrap = spawnSync('sh', ['-c', 'command -v bwrap'], { encoding: 'utf8' }).stdout.trim();
const works = bwrap !== '' && spawnSync(bwrap, [...without(bwrap), 'true']).status === 0;
const skip = leftOutFor(!works && 'bubblewrap does not work on this machine');

const aTask = (script: string): CreateTaskRequest =>
  aTaskWith(
    { taskQueueId, name: 'look' },
    { payload: { command: [['/bin/sh', '-c', script]], maxRunTime: 600 } },
  );

/** Runs a script as a task of the platform; returns how it ended, and its log. */
const look = async ({ rootUrl, credentials }: Platform, script: string) => {
  const queue = new Queue({ rootUrl, credentials });
  const taskId = slugid();
  await queue.createTask(taskId, aTask(script));
  const { status } = await eventually(
    'the task to end',
    () => queue.status(taskId),
    ({ status }) => !['unscheduled', 'pending', 'running'].includes(status.state),
  );
  const { response } = await openArtifact(queue, { taskId, runId: 0, name: 'public/logs/live_backing.log' });
  return { state: status.state, log: await response.text() };
};

const aFolder = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-project-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'note.txt'), 'a note');
  return folder;
};

/** Runs a graph whose only task reads a file beside the graph, on the platform that is there. */
const runGraphIn = async (folder: string, data: string): Promise<Ended> => {
  const read = { payload: { command: [['cat', `\${dir}/note.txt`]], maxRunTime: 600 } };
  const file = join(folder, 'graph.json');
  await writeFile(file, JSON.stringify({ version: 1, name: 'notes', tasks: { read } }));
  return runProgram(process.execPath, [taskyard, 'run', '--data', data, file]);
};

test('tasks of serve are shown no folder of the machine, unless a setting names one', { skip }, async (t) => {
  const folder = await aFolder(t);
  const home = await aHome(t);
  const paths = [join(root, 'package.json'), join(home.path, 'credentials.env'), join(folder, 'note.txt')];
  const script = `${paths.map((path) => `cat ${path}`).join('; ')}; true`;
  // The tests' platforms are started in the folder of the checkout.
  const closed = await home.start();
  const hidden = await look(closed, script);
  assert.equal(hidden.state, 'completed', hidden.log);
  assert.equal(hidden.log.match(/No such file or directory/g)?.length, 3, hidden.log);
  const warned = await runGraphIn(folder, home.path);
  assert.equal(warned.code, 1, warned.err);
  assert.match(warned.err, /^Warning: "read": the payload names .* serve --project /m);
  await closed.stop();
  const open = await home.start({ WORKER_PROJECT: folder });
  const shown = await look(open, script);
  assert.match(shown.log, /a note/);
  assert.equal(shown.log.match(/No such file or directory/g)?.length, 2, shown.log);
  const fine = await runGraphIn(folder, home.path);
  assert.equal(fine.code, 0, fine.err);
  assert.doesNotMatch(fine.err, /Warning/);
});

test('a setting takes the network from tasks of serve', { skip }, async (t) => {
  const platform = await (await aHome(t)).start({ WORKER_ISOLATE_NETWORK: 'true' });
  const { log } = await look(platform, 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "');
  assert.match(log, /^lo$/m);
  assert.doesNotMatch(log, /^(eth|en|wl|docker)\w*$/m);
  const port = new URL(platform.rootUrl).port;
  const call = `fetch("http://127.0.0.1:${port}/api/queue/v1/ping").then(() => console.log("reached"), () => console.log("nobody there"))`;
  const asked = await look(platform, `node -e '${call}'`);
  assert.match(asked.log, /^nobody there$/m);
});

test('the built-in worker is a client that may only do its work', async (t) => {
  const home = await aHome(t);
  const path = join(home.path, 'log');
  const log = await open(path, 'a');
  t.after(() => log.close());
  const platform = await home.start({ WORKER_MODE: 'built-in', LOG_LEVEL: 'info' }, log.fd);
  const { state } = await look(platform, 'true');
  assert.equal(state, 'completed');
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.includes('"claimWork"'));
  const clientIds = new Set(lines.map((line) => (JSON.parse(line) as { clientId: string }).clientId));
  assert.deepEqual([...clientIds], ['static/taskcluster/built-in-worker']);
  const { scopes } = await new Auth(platform).client('static/taskcluster/built-in-worker');
  assert.deepEqual(scopes?.toSorted(), [
    'purge-cache:purge-requests::local/built-in',
    'queue:claim-work:local/built-in',
    'queue:worker-id:local/built-in',
  ]);
});

/** The first lines of a platform, until it says how its tasks are kept apart. */
const sentenceOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`It ended with ${code}.`)));
    createInterface(child.stdout as NodeJS.ReadableStream).on('line', (line) => {
      if (line.startsWith('Tasks ')) resolve(line);
    });
  });

/** Starts a platform, and ends it when it has said how its tasks are kept apart. */
const sentenceAtStart = async ([program, ...words]: readonly [string, ...string[]], env: object) => {
  const child = spawn(program, words, {
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    return await within('the platform to start', sentenceOf(child));
  } finally {
    child.kill();
    await within('the platform to end', ended);
  }
};

const serve = (data: string): [string, ...string[]] => [
  process.execPath,
  taskyard,
  'serve',
  '--port',
  '0',
  '--data',
  data,
];

test('the engine is named at the start, and without bubblewrap nobody else is let in unless a setting says so', {
  skip,
}, async (t) => {
  const { url: DATABASE_URL } = await aPostgres(t);
  const { path } = await aHome(t);
  const plain = 'Tasks are plain processes of this user, and can read what it can.';
  const env = { DATABASE_URL, DATABASE_MAY_LOSE: 'true', LOG_LEVEL: 'warn' };
  const [node, ...words] = serve(join(path, 'data'));
  const bare = [bwrap, ...without(bwrap), node, ...words] as const;

  for (const more of [{ HOST: '0.0.0.0' }, { ROOT_URL: 'https://tasks.example.com' }]) {
    const refused = await runProgram(bare[0], bare.slice(1), { env: { ...env, ...more } });
    assert.equal(refused.code, 2, refused.err);
    assert.match(refused.err, /bubblewrap does not work here.*WORKER=false.*WORKER_ENGINE=process/s);
  }
  assert.equal(await sentenceAtStart([...bare], env), plain);
  // What ran inside of bubblewrap ends a moment after it, and has the folder until then.
  const open = { ...env, HOST: '0.0.0.0', WORKER_ENGINE: 'process' };
  const next = () => sentenceAtStart(serve(join(path, 'data')), open).catch(() => undefined);
  assert.equal(await eventually('the next platform to start in the folder', next), plain);
  assert.match(
    await sentenceAtStart(serve(join(path, 'data')), { ...env, HOST: '0.0.0.0' }),
    /^Tasks are kept apart by bubblewrap,/,
  );
});

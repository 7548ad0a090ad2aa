// `npm run corpus`: runs each file of examples/existing-repository as a user would, in a checkout of its own, and compares what
// comes out with what must. Generic payloads run on the process engine; an image runs on a container daemon of its own, where
// Docker or Podman is installed and this is root.
//   npm run corpus -- index nested     only the files whose names contain one of these
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Auth, Hooks, Queue } from '@taskyard/client';
import { parse } from 'yaml';
import { cases } from './corpus/cases.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'packages/cli/bin/tyard.js');
const examples = join(root, 'examples/existing-repository');
const folder = mkdtempSync(join(tmpdir(), 'taskyard-corpus-'));
const checkout = join(folder, 'demo');
const data = join(folder, 'data');

/** Runs a program; returns its status and all that it printed. */
const outputOf = async (command, words, options = {}) => {
  const child = spawn(command, words, { cwd: checkout, ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [status] = await once(child, 'close');
  return { status, output };
};

const git = async (...words) => {
  const { status, output } = await outputOf('git', words);
  if (status !== 0) throw new Error(`git ${words.join(' ')}: ${output}`);
  return output.trim();
};

const makeCheckout = async () => {
  mkdirSync(checkout);
  await git('init', '-q', '-b', 'main');
  await git('config', 'user.email', 'dev@example.org');
  await git('config', 'user.name', 'Dev');
  await git('remote', 'add', 'origin', 'https://github.com/demo-org/demo.git');
  await git('commit', '-q', '--allow-empty', '-m', 'begin');
};

/** Commits a file as the checkout's `.taskcluster.yml`, in place of the one before. */
const commitFile = async (file, text) => {
  if (text === undefined) cpSync(join(examples, file), join(checkout, '.taskcluster.yml'));
  else writeFileSync(join(checkout, '.taskcluster.yml'), text);
  await git('add', '.');
  await git('commit', '-q', '--allow-empty', '-m', `use ${file}`);
  await git('tag', '--force', 'v1');
  return git('rev-parse', 'HEAD');
};

const startPlatform = async () => {
  const words = [
    program,
    'serve',
    '--port',
    '0',
    '--no-worker',
    '--json',
    '--data',
    join(data, 'repository'),
  ];
  const env = { ...process.env, LOG_LEVEL: 'error' };
  const child = spawn(process.execPath, words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  const { rootUrl } = JSON.parse(String(line).split('\n')[0]);
  const variables = readFileSync(join(data, 'repository/credentials.env'), 'utf8');
  const variable = (name) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(variables)?.[1];
  const credentials = {
    clientId: variable('TASKCLUSTER_CLIENT_ID'),
    accessToken: variable('TASKCLUSTER_ACCESS_TOKEN'),
  };
  const stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { rootUrl, credentials, stop };
};

const startContainers = async () => {
  const path = '../packages/worker/dist/testing/container-daemon.js';
  const { noContainers, startContainerDaemon } = await import(path);
  if (noContainers) return { why: noContainers, stop: async () => {} };
  const daemon = await startContainerDaemon();
  await daemon.load('alpine:3', {});
  return { containerHost: daemon.host, stop: daemon.stop };
};

const linesOf = (output) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

/** What a case may use. */
const toolsFor = ({ rootUrl, credentials }, containers) => {
  const queue = new Queue({ rootUrl, credentials });
  const results = async ({ status, output }) => {
    const lines = linesOf(output);
    const summary = lines.find(({ type }) => type === 'summary');
    const group = lines.find(({ type }) => type === 'group');
    const listed = group ? (await queue.listTaskGroup(group.taskGroupId)).tasks : [];
    const tasks = listed.map(({ status: { taskId, state }, task }) => ({
      taskId,
      task,
      name: task.metadata.name,
      state,
    }));
    const log = async (name) => {
      const { taskId } = tasks.find((task) => task.name === name);
      const url = queue.buildUrl('getLatestArtifact', taskId, 'public/logs/live_backing.log');
      return (await fetch(url)).text();
    };
    const order = lines
      .filter(({ type, state }) => type === 'task' && state === 'completed')
      .map(({ label }) => label);
    return { status, output, summary, tasks, log, order };
  };
  const run = async (file, { event = 'push', given, containerHost, engine = 'process', text } = {}) => {
    const commit = await commitFile(file, text);
    const words = [program, 'run', '.taskcluster.yml', '--event', event, '--json', '--data', data];
    if (given) {
      writeFileSync(join(folder, 'event.json'), JSON.stringify(given));
      words.push('--event-file', join(folder, 'event.json'));
    }
    const env = {
      ...process.env,
      TASKYARD_WORKER_ENGINE: engine,
      ...(containerHost && { DOCKER_HOST: containerHost }),
    };
    const ended = await outputOf(process.execPath, [...words, '--output', join(folder, 'out')], { env });
    return { commit, ...(await results(ended)) };
  };
  return {
    run,
    queue,
    auth: new Auth({ rootUrl, credentials }),
    hooks: new Hooks({ rootUrl, credentials }),
    hook: parse(readFileSync(join(examples, 'hook.yml'), 'utf8')),
    containerHost: containers.containerHost,
    why: containers.why,
  };
};

const wanted = process.argv.slice(2);
const chosen = Object.entries(cases).filter(
  ([file]) => wanted.length === 0 || wanted.some((part) => file.includes(part)),
);

let failed = 0;
await makeCheckout();
const platform = await startPlatform();
const containers = await startContainers();
try {
  for (const [file, check] of chosen) {
    try {
      const remark = await check(toolsFor(platform, containers));
      console.log(`ok      ${file}${remark ? ` (${remark})` : ''}`);
    } catch (error) {
      failed += 1;
      console.log(`failed  ${file}\n${error.message}`);
    }
  }
} finally {
  await containers.stop();
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - failed} of ${chosen.length} files give what they should`);
process.exitCode = failed === 0 ? 0 : 1;

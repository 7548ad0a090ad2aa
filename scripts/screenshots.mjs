// Takes the pictures of docs/guides/web-ui.md from a running demo: starts a platform of its own, gives it something to
// show, and looks at each main page in both themes. Needs a Chromium; CHROMIUM names it where it is not at /usr/bin/chromium.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { Auth, fromNow, Hooks, Queue, Secrets, slugid } from '@taskyard/client';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const images = join(root, 'docs/guides/images');
const data = mkdtempSync(join(tmpdir(), 'taskyard-demo-'));

const start = async () => {
  const words = ['packages/cli/bin/taskyard.js', 'serve', '--port', '0', '--data', data];
  const server = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(server.stdout);
  let link;
  for await (const line of lines) {
    link = /https?:\S+sign-in#\S+/.exec(line)?.[0];
    if (link) break;
  }
  const variables = parseEnv(readFileSync(join(data, 'credentials.env'), 'utf8'));
  const rootUrl = variables.TASKCLUSTER_ROOT_URL;
  const credentials = {
    clientId: variables.TASKCLUSTER_CLIENT_ID,
    accessToken: variables.TASKCLUSTER_ACCESS_TOKEN,
  };
  return { server, link, rootUrl, credentials };
};

const definition = (name, script, more = {}) => ({
  taskQueueId: 'local/built-in',
  created: fromNow('0 seconds').toJSON(),
  deadline: fromNow('1 hour').toJSON(),
  payload: { command: [['sh', '-c', script]], maxRunTime: 300 },
  metadata: {
    name,
    description: 'A task of the demo.',
    owner: 'demo@example.com',
    source: 'https://example.com/demo',
  },
  ...more,
});

const wanted = [
  ['fetch', 'sleep 1; echo fetched 214 packages'],
  ['lint', 'echo no complaints', ['fetch']],
  ['build app', 'for i in 1 2 3; do echo "compiling part $i of 3"; sleep 1; done', ['fetch']],
  ['build docs', 'sleep 1; echo 41 pages', ['fetch']],
  ['test unit', 'echo "312 passed"; sleep 1', ['build app']],
  [
    'test browser',
    'echo "1..3"; echo "ok 1 opens"; printf "\\033[31mnot ok 2 signs in\\033[0m\\n"; echo "Error: expected 200, got 503"; exit 1',
    ['build app'],
  ],
  ['package', 'echo packed', ['test unit', 'test browser']],
  ['publish', 'echo published', ['package', 'build docs']],
];

const resolved = async (queue, taskId) => {
  for (;;) {
    const { status } = await queue.status(taskId);
    if (['completed', 'failed', 'exception'].includes(status.state)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

/** Makes what there is to see; returns the ids that pages are named by. */
const furnish = async ({ rootUrl, credentials }) => {
  const options = { rootUrl, credentials };
  const queue = new Queue(options);
  const ids = new Map(wanted.map(([name]) => [name, slugid()]));
  const taskGroupId = slugid();
  const tasks = wanted.map(([name, script, needs = []]) => ({
    taskId: ids.get(name),
    // As `taskyard run` names a graph.
    task: definition(name, script, {
      dependencies: needs.map((need) => ids.get(need)),
      tags: { graph: 'app' },
    }),
  }));
  await queue.createTaskGroupTasks(taskGroupId, { tasks });
  const waiting = slugid();
  await queue.createTask(waiting, definition('needs a machine', 'true', { taskQueueId: 'lab/arm-boards' }));
  await new Secrets(options).set('project/app/deploy', {
    secret: { token: 'not shown' },
    expires: fromNow('1 year').toJSON(),
  });
  await new Auth(options).createRole('project:app', {
    description: 'Those who build the app.',
    scopes: ['queue:create-task:low:local/*', 'secrets:get:project/app/*'],
  });
  await new Hooks(options).createHook('project-app', 'nightly', {
    metadata: { name: 'Nightly build', description: 'Builds the app at three.', owner: 'demo@example.com' },
    schedule: ['0 0 3 * * *'],
    task: { $merge: [] },
  });
  await Promise.all(
    ['build docs', 'test unit', 'test browser'].map((name) => resolved(queue, ids.get(name))),
  );
  return { taskGroupId, failed: ids.get('test browser'), waiting };
};

const shots = ({ taskGroupId, failed, waiting }) => {
  const group = `/tasks/groups/${taskGroupId}/tasks`;
  return {
    home: '/',
    group,
    graph: `${group}?view=graph`,
    waterfall: `${group}?view=waterfall`,
    task: `/tasks/${failed}`,
    log: `/tasks/${failed}/runs/0/logs/public/logs/live.log`,
    waiting: `/tasks/${waiting}`,
    queues: '/queues',
    pool: '/worker-manager/local/built-in',
    scopes: '/auth/scopes?q=secrets:get:project/app/deploy',
    hooks: '/hooks/project-app/nightly',
    secrets: '/secrets',
  };
};

const demo = await start();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const found = await furnish(demo);
  const context = await browser.newContext({
    viewport: { width: 1000, height: 760 },
    reducedMotion: 'reduce',
    baseURL: demo.rootUrl,
  });
  const page = await context.newPage();
  await page.goto(demo.link);
  await page.getByRole('heading', { name: 'What goes on' }).waitFor();
  for (const [name, path] of Object.entries(shots(found))) {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.goto(path);
      await page.locator('main h1').waitFor();
      await page.locator('main .mantine-Loader-root').first().waitFor({ state: 'detached' });
      await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {});
      await page.screenshot({ path: join(images, `${name}-${colorScheme}.png`) });
    }
  }
} finally {
  await browser.close();
  demo.server.kill('SIGTERM');
  await once(demo.server, 'exit');
  rmSync(data, { recursive: true, force: true });
}

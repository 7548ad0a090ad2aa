import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Auth, Hooks, Index, Queue, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import type { Browser, Page } from 'playwright-core';
import {
  confirm as confirmOn,
  faultsOf,
  heldReply,
  launchBrowser,
  newVisitor,
  seriousFaults,
  signedInPage,
  signInLink,
  skipWithoutBrowser,
} from './support/browser.ts';
import { commandHere } from './support/command-here.ts';
import { submitGraph } from './support/graphs.ts';
import { aHome, type Platform } from './support/platform.ts';

const endings: (() => Promise<void>)[] = [];
let platform: Platform;
let browser: Browser;
let page: Page;
let complaints: string[];

const groupPath = (taskGroupId: string): string => `/tasks/groups/${taskGroupId}/tasks`;
const state = (name: string) => page.locator('.state', { hasText: name });
const confirm = (label: string): Promise<void> => confirmOn(page, label);

/** Of a large group in which 100 of 20,001 tasks were canceled: what it failed by, and a part of its graph. */
const showsWhatFailed = async (taskGroupId: string): Promise<void> => {
  const causes = page.getByRole('alert').filter({ hasText: '100 first causes' });
  await causes.getByText('99 tasks wait for it in vain').first().waitFor();
  await causes.getByText('and 95 more').waitFor();
  const told = async (...words: string[]) => {
    const env = {
      TASKCLUSTER_ROOT_URL: platform.rootUrl,
      TASKCLUSTER_CLIENT_ID: platform.credentials.clientId,
      TASKCLUSTER_ACCESS_TOKEN: platform.credentials.accessToken,
    };
    const { code, out, err } = await commandHere([...words, taskGroupId, '--json'], { env });
    assert.equal(code, 0, err);
    return JSON.parse(out) as Record<string, unknown>;
  };
  assert.equal((await told('group', 'causes')).found, 100);
  const { failures, canceled, unscheduled, waiting } = await told('why', '--group');
  assert.deepEqual([failures, canceled, unscheduled], [[], 100, 9900]);
  assert.equal((waiting as unknown[]).length, 1);
  await page.goto(`${groupPath(taskGroupId)}?view=graph`);
  await page
    .getByText(
      'The first 500 of the 20001 tasks that fit, and 1500 tasks that they depend on or that depend on them.',
    )
    .waitFor();
  await page.getByRole('button', { name: /^build × 100/ }).waitFor();
  await page.getByRole('button', { name: /^test × 1500/ }).waitFor();
  await page.getByText('waterfall', { exact: true }).click();
  const waterfall = page.getByRole('region', { name: 'Waterfall' });
  await waterfall.getByRole('link', { name: 'build-0', exact: true }).waitFor();
  // A search that the server refuses leaves the field to change it.
  await page.goto(`${groupPath(taskGroupId)}?q=${'x'.repeat(300)}&state=done&sort=name`);
  await page.getByText('These tasks cannot be shown').waitFor();
  await page.getByLabel('Search').fill('');
  await page.getByText('20001 of 20001 fit').waitFor();
};

/** A graph of which one task fails the first time that it runs. */
const failingGraph = () =>
  submitGraph(platform, [
    { name: 'build', command: 'echo built' },
    {
      name: 'lint',
      command:
        'seq 300; if [ "$RUN_ID" = 0 ]; then printf "\\033[31merror: three faults\\033[0m\\n"; exit 1; fi',
    },
    { name: 'publish', command: 'echo published', needs: ['build', 'lint'] },
    { name: 'announce', command: 'echo announced', needs: ['publish'] },
  ]);

describe('the web pages', { skip: skipWithoutBrowser }, () => {
  before(async () => {
    const home = await aHome({ after: (end) => endings.push(end) });
    [platform, browser] = await Promise.all([home.start(), launchBrowser()]);
    ({ page, complaints } = await signedInPage(browser, platform));
  });
  after(async () => {
    await browser?.close();
    for (const end of endings) await end();
  });

  it('run a first task on an empty install, and show its log', async () => {
    await page.getByRole('button', { name: 'Run your first task' }).click();
    await page.getByRole('heading', { name: 'Your first task' }).waitFor();
    await page.getByText('Hello from your first task, 3 of 3').waitFor();
    await state('completed').first().waitFor();
    await page.goto('/');
    await page.getByRole('link', { name: 'Your first task' }).first().waitFor();
    assert.equal(await page.getByRole('button', { name: 'Run your first task' }).count(), 0);
  });

  it('lead from a failed group to its first cause, to the line of the log, and to a rerun that goes green', async () => {
    const { taskGroupId } = await failingGraph();
    await page.goto(groupPath(taskGroupId));
    const cause = page.getByRole('alert').filter({ hasText: 'The first cause' });
    await cause.getByRole('link', { name: 'lint' }).waitFor();
    assert.match(String(await cause.textContent()), /2 tasks wait for it in vain/);
    await cause.getByRole('link', { name: 'log at the first error' }).click();
    const line = page.locator('.log-line.is-error');
    await line.waitFor();
    assert.match(String(await line.textContent()), /error: three faults/);
    assert.doesNotMatch(String(await line.textContent()), /\u001b/);
    await page.getByRole('link', { name: 'Back to the task' }).click();
    await page.getByText('It failed: the task said so itself').waitFor();
    await page.goBack();
    await page.goBack();
    await confirm('Rerun failed');
    await page.getByText('4 of 4 tasks are over').waitFor();
    await cause.waitFor({ state: 'detached' });
    assert.equal(await page.locator('.group-row .state-completed').count(), 4);
  });

  it('say why a task waits, by the names of those that it waits for', async () => {
    const graph = await submitGraph(platform, [
      { name: 'never', command: 'true', taskQueueId: 'nobody/works-here' },
      { name: 'later', command: 'true', needs: ['never'] },
    ]);
    await page.goto(`/tasks/${graph.idOf('later')}`);
    const why = page.getByRole('alert').filter({ hasText: 'Why it waits' });
    await why.getByText('It waits for 1 task to complete.').waitFor();
    await why.getByRole('link', { name: 'never' }).click();
    await why.getByText('No worker of its task queue').waitFor();
    await confirm('Cancel');
    await state('exception: canceled').first().waitFor();
  });

  it('follow a log while it is written, without reading the page anew', async () => {
    const { idOf } = await submitGraph(platform, [
      {
        name: 'steps',
        command: 'for i in $(seq 40); do echo step $i; sleep 0.1; done',
      },
    ]);
    await page.goto(`/tasks/${idOf('steps')}`);
    await page.getByText('step 5', { exact: true }).waitFor();
    await page.getByText(/lines, live/).waitFor();
    await page.getByText('step 40', { exact: true }).waitFor();
    await state('completed').first().waitFor();
    await page.getByText(/^\d+ lines$/).waitFor();
  });

  it('find lines of a log, and link to one of them', async () => {
    const { idOf } = await submitGraph(platform, [
      { name: 'numbers', command: 'seq 1 5000; echo needle; seq 1 5000' },
    ]);
    await page.goto(`/tasks/${idOf('numbers')}/runs/0/logs/public/logs/live.log`);
    await page.getByText(/^10\d\d\d lines$/).waitFor();
    assert.ok((await page.locator('.log-line').count()) < 200);
    await page.keyboard.press('s');
    await page.keyboard.type('needle');
    await page.getByText('1 of 2').waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.getByText('2 of 2').waitFor();
    const needle = page.locator('.log-line', { has: page.getByText('needle', { exact: true }) });
    await needle.getByRole('link').click();
    assert.match(page.url(), /#L50\d\d$/);
    await page.reload();
    await page.locator('.log-line.is-linked', { hasText: 'needle' }).waitFor();
  });

  it('show any line of a log that is larger than what a page keeps, and find words in all of it', async () => {
    const { idOf } = await submitGraph(platform, [
      { name: 'wide', command: 'seq -f "%0900g" 45000; echo fine' },
      { name: 'long', command: 'seq 500000' },
    ]);
    const path = (name: string) => `/tasks/${idOf(name)}/runs/0/logs/public/logs/live.log`;
    const line = (text: string | RegExp) => page.locator('.log-line > span', { hasText: text });
    await page.goto(path('wide'));
    await page.getByText(/^450\d\d lines$/).waitFor();
    await line(/^fine$/).waitFor();
    // Its first lines have been let go.
    await page.getByRole('region', { name: 'Log' }).focus();
    await page.keyboard.press('Home');
    await line(/^0+3$/).waitFor();
    await page.keyboard.press('s');
    await page.keyboard.type('0022222');
    await page.getByText('1 of 1', { exact: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.log-line.is-match').getByText('0022222').waitFor();

    // More lines than browsers can draw below each other.
    await page.goto(path('long'));
    await page.getByText(/^5000\d\d lines$/).waitFor();
    await line(/^500000$/).waitFor();
    for (const number of ['3', '450000', '250000', '5']) {
      // The address leads there, also when only what follows on the `#` changes.
      await page.goto(`${path('long')}#L${number}`);
      await page.locator('.log-line.is-linked').getByRole('link', { name: number, exact: true }).waitFor();
    }
  });

  it('are used with the keyboard alone', async () => {
    await page.goto('/');
    await page.getByRole('heading', { name: 'What goes on' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('p');
    await page.getByRole('heading', { name: 'Worker pools' }).waitFor();
    await page.keyboard.press('?');
    await page.getByText('find a task or group').waitFor();
    await page.keyboard.press('Escape');
    const { taskGroupId, idOf } = await submitGraph(platform, [{ name: 'only', command: 'true' }]);
    await page.getByText('find a task or group').waitFor({ state: 'detached' });
    await page.keyboard.press('/');
    await page.keyboard.type(`${platform.rootUrl}${groupPath(taskGroupId)}`);
    await page.keyboard.press('Enter');
    await page.locator('.group-row').waitFor();
    await page.locator('main h1').click();
    await page.keyboard.press('j');
    await page.locator('.group-row.is-current').waitFor();
    await page.keyboard.press('o');
    await page.waitForURL(`**/tasks/${idOf('only')}*`);
    await page.getByRole('heading', { name: 'only' }).waitFor();
  });

  it('draw of ten thousand tasks those in sight, search among them, and draw one box for each kind', async () => {
    const wanted = Array.from({ length: 10_000 }, (_, i) => ({
      name: i < 100 ? `build-${i}` : `test-${i}`,
      command: 'true',
      taskQueueId: 'nobody/works-here',
      needs: i < 100 ? [] : [`build-${i % 100}`],
    }));
    const { taskGroupId } = await submitGraph(platform, wanted);
    await page.goto(groupPath(taskGroupId));
    await page.getByText('10000 of 10000 shown').waitFor();
    assert.ok((await page.locator('.group-row').count()) < 100);
    await page.keyboard.press('s');
    await page.keyboard.type('test-9999');
    await page.getByText('1 of 10000 shown').waitFor();
    assert.match(page.url(), /q=test-9999/);
    await page.goto(`${groupPath(taskGroupId)}?view=graph`);
    await page.getByText('test × 9900').waitFor();
    await page.getByText('build × 100').waitFor();
    await page.goto(`${groupPath(taskGroupId)}?view=waterfall`);
    await page.getByText('build-0', { exact: true }).waitFor();
    await page.goto(`${groupPath(taskGroupId)}?q=build`);
    await page.getByText('100 of 10000 shown').waitFor();
    await page.getByRole('button', { name: 'Priority' }).click();
    await page.getByLabel('New priority').selectOption('high');
    await page.getByRole('button', { name: 'Yes' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await confirm('Cancel shown');
    await page.getByText('100 of 10000 tasks are over').waitFor();

    // With more than a page can hold, the server finds, sorts and counts.
    const queued = (name: string) => ({ name, command: 'true', taskQueueId: 'nobody/works-here' });
    const more = Array.from({ length: 10_000 }, (_, i) => queued(`more-${i}`));
    await submitGraph(platform, more, taskGroupId);
    await submitGraph(platform, [queued('one more')], taskGroupId);
    const linesRead: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/lines?')) linesRead.push(request.url());
    });
    await page.goto(`${groupPath(taskGroupId)}?sort=name`);
    await page.getByText('20001 of 20001 fit').waitFor();
    await page.getByRole('link', { name: 'build-0', exact: true }).waitFor();
    await showsWhatFailed(taskGroupId);
    await page.getByLabel('Search').fill('MORE-1000');
    await page.getByText('1 of 20001 fit').waitFor();
    await confirm('Cancel shown');
    await page.getByText('101 of 20001 tasks are over').waitFor();
    // Rows and counts are read apart.
    await page.locator('.group-row', { hasText: 'canceled' }).waitFor();
    assert.equal(await page.locator('.group-row').count(), 1);
    // Its first page says how large the group is.
    assert.ok(linesRead.every((url) => !url.includes('continuationToken')));
  });

  describe('rows-by-id', () => {
    const aGroup = (prefix: string, count: number) =>
      submitGraph(
        platform,
        Array.from({ length: count }, (_, i) => ({
          name: `${prefix}-${i + 1}`,
          command: 'true',
          taskQueueId: `nobody/${prefix}`,
        })),
      );
    const canceledOf = async (taskGroupId: string): Promise<string[]> => {
      const { tasks } = await new Queue(platform).listTaskGroup(taskGroupId, { limit: '1000' });
      return tasks
        .filter(({ status }) => status.runs.at(-1)?.reasonResolved === 'canceled')
        .map(({ task }) => task.metadata.name)
        .sort();
    };

    it('the tasks that were chosen are named and acted on, however the rows move', async () => {
      const { taskGroupId } = await aGroup('row', 500);
      const queue = new Queue(platform);
      await page.goto(groupPath(taskGroupId));
      await page.getByText('500 of 500 shown').waitFor();
      for (const name of ['row-3', 'row-7']) {
        await page.getByLabel('Search').fill(name);
        await page.getByRole('checkbox', { name: `Choose ${name}`, exact: true }).check();
      }
      await page.getByLabel('Search').fill('row-4');
      await page.getByRole('combobox', { name: 'Order' }).click();
      await page.getByRole('option', { name: 'started' }).click();
      await page.getByRole('button', { name: 'Cancel chosen' }).click();
      const named = page.getByRole('dialog').getByRole('listitem');
      await named.first().waitFor();
      // Each claim moves its rows to the top.
      for (let left = 500; left > 0; ) {
        const { tasks } = await queue.claimWork('nobody/row', {
          tasks: Math.min(32, left),
          workerGroup: 'tests',
          workerId: 'one',
        });
        left -= tasks.length;
      }
      await page.getByText('running 500').waitFor();
      assert.deepEqual(await named.allTextContents(), ['row-3', 'row-7']);
      await page.getByRole('button', { name: 'Yes' }).click();
      await page.getByText('2 of 500 tasks are over').waitFor();
      assert.deepEqual(await canceledOf(taskGroupId), ['row-3', 'row-7']);
    });

    it('nothing of a group is shown or acted on in another one, whichever answers first', async () => {
      const [a, b] = [await aGroup('left', 3), await aGroup('right', 2)];
      const goTo = async (taskGroupId: string) => {
        await page.getByLabel('Find a task, a group').fill(`${platform.rootUrl}${groupPath(taskGroupId)}`);
        await page.keyboard.press('Enter');
      };
      const held = async (taskGroupId: string) => {
        let letGo = (): void => {};
        const released = new Promise<void>((resolve) => {
          letGo = resolve;
        });
        let isAsked = false;
        await page.route(
          `**/task-group/${taskGroupId}/lines?*`,
          async (route) => {
            isAsked = true;
            await released;
            // The page may have left already.
            await route.continue().catch(() => {});
          },
          { times: 1 },
        );
        return { asked: () => eventually('the group to be asked for', () => isAsked), letGo };
      };
      await page.goto('/');
      const late = await held(a.taskGroupId);
      await goTo(a.taskGroupId);
      await late.asked();
      await goTo(b.taskGroupId);
      await page.getByText('2 of 2 shown').waitFor();
      late.letGo();
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      assert.deepEqual(await page.getByRole('dialog').getByRole('listitem').allTextContents(), [
        'right-1',
        'right-2',
      ]);
      const again = await held(a.taskGroupId);
      // Back by the browser: the dialog of the other group goes with it.
      await page.evaluate('history.back()');
      await again.asked();
      await page.waitForURL(`**${groupPath(a.taskGroupId)}`);
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal(await page.locator('.group-row').count(), 0);
      assert.equal(await page.getByRole('button', { name: 'Cancel', exact: true }).isDisabled(), true);
      again.letGo();
      await page.getByText('3 of 3 shown').waitFor();
      await confirm('Cancel');
      await page.getByText('3 of 3 tasks are over').waitFor();
      assert.deepEqual(await canceledOf(a.taskGroupId), ['left-1', 'left-2', 'left-3']);
      assert.deepEqual(await canceledOf(b.taskGroupId), []);
    });
  });

  it('loop-in-the-graph: say of a task that it waits for itself', async () => {
    const queue = new Queue(platform);
    const [loop, after] = [slugid(), slugid()];
    const { taskGroupId, idOf } = await submitGraph(platform, [{ name: 'model', command: 'true' }]);
    const model = await queue.task(idOf('model'));
    for (const [taskId, name] of [
      [loop, 'ouroboros'],
      [after, 'follower'],
    ] as const) {
      const { provisionerId: _provisioner, workerType: _type, ...task } = model;
      const metadata = { ...model.metadata, name };
      await queue.createTask(taskId, { ...task, metadata, taskGroupId, dependencies: [loop] });
    }
    await page.goto(`${groupPath(taskGroupId)}?view=graph`);
    await page.getByRole('button', { name: 'ouroboros ⟲ waits for itself' }).waitFor();
    await page.getByRole('button', { name: 'follower' }).waitFor();
    await page.goto(`${groupPath(taskGroupId)}?view=waterfall`);
    // The title of the group may be the same: it is the name of any of them.
    const waterfall = page.getByRole('region', { name: 'Waterfall' });
    await waterfall.getByRole('link', { name: 'model', exact: true }).waitFor();
    await page.goto(`/tasks/${loop}`);
    await page.getByText('It waits for itself, so it starts only when somebody schedules it.').waitFor();
    await confirm('Schedule');
    await state('completed').first().waitFor();
  });

  it('speak with a shell in a task that runs, and draw what the task used', async () => {
    const { idOf } = await submitGraph(platform, [
      {
        name: 'open',
        command: 'until [ -e done ]; do sleep 0.2; done; sleep 2',
        features: { interactive: true, resourceMonitor: true },
      },
    ]);
    await page.goto(`/tasks/${idOf('open')}`);
    await page.getByRole('link', { name: 'Shell' }).click();
    await page.getByText('Shift and Escape leave the terminal.').waitFor();
    await page.keyboard.type('echo "it is $((40 + 2))"\n');
    await page.locator('.xterm-rows').getByText('it is 42').waitFor();
    await page.keyboard.press('Shift+Escape');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'New shell');
    const faults = await seriousFaults(page);
    assert.deepEqual(faults, []);
    await page.getByRole('textbox', { name: 'Terminal input' }).focus();
    await page.keyboard.type('touch done; exit 7\n');
    await page.getByText('The shell has ended with exit code 7.').waitFor();
    await page.getByText('A task has shells while its commands run, and this run is completed.').waitFor();
    await page.getByRole('link', { name: 'Back to the task' }).click();
    await page
      .getByRole('img', { name: /^At most \d+\.\d MiB of memory, and \d+\.\d s of processors\.$/ })
      .waitFor();
  });

  it('sign in once by each link, tell what a client lacks, and sign out', async () => {
    const { rootUrl, credentials } = platform;
    const input = {
      expires: new Date(Date.now() + 3600_000).toJSON(),
      description: '',
      scopes: ['sessions:sign-in'],
    };
    const made = await new Auth({ rootUrl, credentials }).createClient('tests/visitor', input);
    const context = await newVisitor(browser, { baseURL: rootUrl });
    const other = await context.newPage();
    const link = await signInLink(platform);
    await other.goto(link);
    await other.getByRole('heading', { name: 'What goes on' }).waitFor();
    await other.getByRole('button', { name: 'root' }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await other.getByRole('link', { name: 'Sign in' }).first().waitFor();
    await other.goto(link);
    await other.getByText('This code has been used').waitFor();
    await other.getByLabel('Client').fill('tests/visitor');
    await other.getByRole('textbox', { name: 'Access token' }).fill(made.accessToken);
    await other.getByRole('button', { name: 'Sign in' }).click();
    await other.getByText('You may not see what goes on').waitFor();
    await other.getByText('views:overview', { exact: true }).waitFor();
    await other.reload();
    await other.getByRole('button', { name: 'visitor' }).waitFor();
    assert.equal(
      await other.evaluate('document.cookie + JSON.stringify(Object.keys(localStorage))').then(String),
      '[]',
    );
    await context.close();
  });

  it('stay signed out, whatever a renewal of credentials says that was on its way', async () => {
    const { page: other } = await signedInPage(browser, platform);
    await other.clock.install();
    await other.goto('/');
    await other.getByRole('button', { name: 'root' }).waitFor();
    const renewal = await heldReply(other, '/api/sessions/v1/credentials');
    await other.clock.fastForward('11:00');
    await other.getByRole('link', { name: 'Hooks' }).click();
    await within('the credentials to be renewed', renewal.answered);
    await other.getByRole('button', { name: 'root' }).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await other.getByRole('banner').getByRole('link', { name: 'Sign in' }).waitFor();
    assert.equal(await renewal.release(), 200);
    await other.getByRole('link', { name: 'Secrets' }).click();
    await other.getByText('You may not see secrets').waitFor();
    await other.getByRole('banner').getByRole('link', { name: 'Sign in' }).waitFor();
    await other.context().close();
  });

  it('have no serious fault of accessibility, in both themes, and fit a narrow screen', async () => {
    const { rootUrl, credentials } = platform;
    const { taskGroupId, idOf } = await failingGraph();
    const hook = {
      metadata: { name: 'nightly', description: '', owner: 'somebody@example.com' },
      task: {},
    };
    await new Hooks({ rootUrl, credentials }).createHook('tests', 'nightly', hook);
    await new Auth({ rootUrl, credentials }).createRole('tests', {
      description: 'For tests.',
      scopes: ['a:b'],
    });
    await new Index({ rootUrl, credentials }).insertTask('tests.latest', {
      taskId: idOf('build'),
      rank: 1,
      data: {},
      expires: new Date(Date.now() + 3600_000).toJSON(),
    });
    await page.goto(groupPath(taskGroupId));
    await page.getByText('The first cause').waitFor();
    const paths = [
      '/',
      '/sign-in',
      groupPath(taskGroupId),
      `${groupPath(taskGroupId)}?view=graph`,
      `${groupPath(taskGroupId)}?view=waterfall`,
      `/tasks/${idOf('lint')}`,
      `/tasks/${idOf('publish')}`,
      `/tasks/${idOf('lint')}/runs/0/logs/public/logs/live.log`,
      '/queues',
      '/queues/local/built-in',
      '/worker-manager',
      '/worker-manager/local/built-in',
      '/auth/clients',
      `/auth/clients/${encodeURIComponent('static/taskcluster/root')}`,
      '/auth/roles',
      '/auth/roles/tests',
      '/hooks',
      '/hooks/tests/nightly',
      '/tasks/index/tests',
    ];
    assert.deepEqual(await faultsOf(page, paths), []);
  });

  it('seventh-tab: load and stay live in seven tabs, with a live log in two of them', async () => {
    const graph = await submitGraph(platform, [
      { name: 'ticks', command: 'for i in $(seq 600); do echo tick $i; sleep 0.2; done' },
      { name: 'waits', command: 'true', taskQueueId: 'nobody/works-here' },
    ]);
    const log = `/tasks/${graph.idOf('ticks')}`;
    const context = page.context();
    const tabs: Page[] = [];
    for (let i = 0; i < 7; i++) {
      const tab = await context.newPage();
      await tab.goto(i < 2 ? log : groupPath(graph.taskGroupId));
      await tab
        .getByText(i < 2 ? /^tick \d+$/ : '2 of 2 shown')
        .first()
        .waitFor();
      tabs.push(tab);
    }
    await tabs[6]?.reload();
    await new Queue(platform).cancelTask(graph.idOf('waits'));
    for (const tab of tabs.slice(2)) await tab.getByText('1 of 2 tasks are over').waitFor();
    await new Queue(platform).cancelTask(graph.idOf('ticks'));
    for (const tab of tabs.slice(0, 2))
      await tab.locator('.state', { hasText: 'canceled' }).first().waitFor();
    for (const tab of tabs) await tab.close();
  });

  it('broke no rule of their own: no script failed, and nothing was loaded that may not be', () => {
    assert.deepEqual(complaints, []);
  });
});

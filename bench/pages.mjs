// `node bench/pages.mjs`: how long a browser takes from a key or a click to the next picture, on a group of ten thousand
// tasks, by the browser's own Event Timing; and what the first page loads. Needs a Chromium; CHROMIUM names it where it
// is not at /usr/bin/chromium. A second group is deep: a thousand layers, thirty thousand dependencies.
import { fromNow, Queue, Sessions, slugid } from '@taskyard/client';
import { chromium } from 'playwright-core';
import { startPlatform } from './platform.mjs';

const tasksCount = 10_000;
/** What is typed, and a second thought. */
const letters = [...'test-999', 'Backspace'];

const definition = (name, dependencies) => ({
  taskQueueId: 'nobody/works-here',
  dependencies,
  created: fromNow('0 seconds').toJSON(),
  deadline: fromNow('1 hour').toJSON(),
  payload: {},
  metadata: { name, description: '', owner: 'bench@example.com', source: 'https://example.com/' },
});

/** A hundred builds, and tests that need one of them each. */
const submit = async (queue) => {
  const ids = Array.from({ length: tasksCount }, slugid);
  const tasks = ids.map((taskId, i) => ({
    taskId,
    task: i < 100 ? definition(`build-${i}`, []) : definition(`test-${i}`, [ids[i % 100]]),
  }));
  const taskGroupId = slugid();
  await queue.createTaskGroupTasks(taskGroupId, { tasks });
  return taskGroupId;
};

const layers = 1000;

/** Layers of ten tasks of five kinds; each task needs three of the layer before it. */
const submitDeep = async (queue) => {
  const ids = Array.from({ length: tasksCount }, slugid);
  const wide = tasksCount / layers;
  const needs = (i) => [0, 1, 2].map((n) => ids[(Math.floor(i / wide) - 1) * wide + ((i + n) % wide)]);
  const tasks = ids.map((taskId, i) => ({
    taskId,
    task: definition(`kind ${'abcde'[i % 5]}-${i}`, i < wide ? [] : needs(i)),
  }));
  const taskGroupId = slugid();
  await queue.createTaskGroupTasks(taskGroupId, { tasks });
  return taskGroupId;
};

// Event Timing tells of events that took 16 ms or longer, in steps of 8 ms.
const watch = `
  globalThis.slow = [];
  new PerformanceObserver((list) => {
    for (const { name, duration, interactionId } of list.getEntries())
      if (interactionId) globalThis.slow.push({ name, duration });
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });`;

const measure = async (page, what, times, act) => {
  await page.evaluate('globalThis.slow.length = 0');
  for (let i = 0; i < times; i++) {
    await act(i);
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  }
  const slow = await page.evaluate('globalThis.slow');
  const longest = Math.max(0, ...slow.map(({ duration }) => duration));
  console.log(`${what.padEnd(42)} ${String(times).padStart(4)} times  longest ${longest || '< 16'} ms`);
};

const firstLoad = async (page, rootUrl) => {
  await page.goto(rootUrl);
  await page.locator('main h1').waitFor();
  const sizes = await page.evaluate(`
    performance.getEntriesByType('resource')
      .filter(({ name }) => /\\.(js|css)$/.test(name))
      .map(({ name, encodedBodySize }) => [name.split('.').at(-1), encodedBodySize])`);
  const of = (kind) => sizes.filter(([one]) => one === kind).reduce((sum, [, size]) => sum + size, 0);
  console.log(
    `first page: ${Math.round(of('js') / 1000)} kB of scripts, ${Math.round(of('css') / 1000)} kB of styles, compressed`,
  );
};

/** From the click, when the tasks are there already, until boxes are painted; then zooming and moving. */
const deepGraph = async (page, groupUrl) => {
  await page.goto(groupUrl);
  await page.getByText(`${tasksCount} of ${tasksCount} shown`).waitFor();
  const graph = page.getByRole('region', { name: 'Dependency graph' });
  const started = performance.now();
  await page.getByText('graph', { exact: true }).click();
  await graph.locator('button.node').first().waitFor();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  const boxes = await graph.locator('button.node').count();
  console.log(
    `a graph of depth ${layers} is painted after ${Math.round(performance.now() - started)} ms: ${boxes} boxes`,
  );
  const zoom = graph.getByRole('button', { name: 'Zoom In' });
  await measure(page, 'zooming', 5, () => zoom.click());
  await measure(page, 'moving', 10, async (i) => {
    await page.mouse.move(600, 600);
    await page.mouse.down();
    await page.mouse.move(600 + (i % 2 ? 80 : -80), 560, { steps: 4 });
    await page.mouse.up();
  });
};

const platform = await startPlatform({ nodeOptions: [], settings: {} });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const { rootUrl, credentials } = platform;
  const queue = new Queue({ rootUrl, credentials });
  const taskGroupId = await submit(queue);
  const deepId = await submitDeep(queue);
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
  await page.addInitScript(watch);
  await firstLoad(page, rootUrl);
  const { url } = await new Sessions({ rootUrl, credentials }).createSignInCode();
  await page.goto(url);
  await page.getByRole('heading', { name: 'What goes on' }).waitFor();
  const started = performance.now();
  await page.goto(`${rootUrl}/tasks/groups/${taskGroupId}/tasks`);
  await page.getByText(`${tasksCount} of ${tasksCount} shown`).waitFor();
  console.log(`a group of ${tasksCount} tasks is shown after ${Math.round(performance.now() - started)} ms`);

  await measure(page, 'next task (j)', 50, () => page.keyboard.press('j'));
  const list = page.getByRole('region', { name: 'Tasks' });
  await measure(page, 'scrolling (page down)', 20, async () => {
    await list.focus();
    await page.keyboard.press('PageDown');
  });
  await page.getByLabel('Search').focus();
  await measure(page, 'a letter of the search', 18, (i) => page.keyboard.press(letters[i % letters.length]));
  await page.getByLabel('Search').fill('');
  await page.getByText(`${tasksCount} of ${tasksCount} shown`).waitFor();
  await measure(page, 'choosing a state', 10, () => page.getByText(/^unscheduled \d+$/).click());
  for (const view of ['graph', 'list', 'waterfall', 'list']) {
    await measure(page, `to the ${view}`, 1, async () => {
      await page.getByText(view, { exact: true }).click();
      await page.waitForTimeout(1000);
    });
  }
  await deepGraph(page, `${rootUrl}/tasks/groups/${deepId}/tasks`);
} finally {
  await browser.close();
  await platform.stop();
}

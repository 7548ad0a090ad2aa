// `node bench/log-page.mjs [plain|gzip]`: how a browser shows a log of 1 GiB and ten million lines: its first screen, any
// line of it, its first error, and the heap. Needs a Chromium; CHROMIUM names it where it is not at /usr/bin/chromium.
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { fromNow, Queue, Sessions, slugid } from '@taskyard/client';
import { chromium } from 'playwright-core';
import { startPlatform } from './platform.mjs';

const linesCount = 10_000_000;
const errorAt = 7_654_321;
const name = 'public/logs/live.log';
const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** Lines of 107 or 108 bytes, one of which is an error. */
const lines = function* () {
  const filling =
    'compiled without a word about it, as is the custom of compilers that have nothing to say at all'.slice(
      0,
      90,
    );
  for (let first = 1; first <= linesCount; first += 1000) {
    let text = '';
    for (let i = first; i < first + 1000; i++)
      text +=
        i === errorAt
          ? 'error: it broke here\n'
          : `${String(i).padStart(8, '0')} file ${i} ${filling}\n`.padStart(108);
    yield Buffer.from(text);
  }
};

const upload = async (queue, encoding) => {
  const taskId = slugid();
  const worker = { workerGroup: 'bench', workerId: 'bench' };
  await queue.createTask(taskId, {
    taskQueueId: 'bench/logs',
    created: fromNow('0 seconds').toJSON(),
    deadline: fromNow('1 hour').toJSON(),
    payload: {},
    metadata: {
      name: 'A long log',
      description: '',
      owner: 'bench@example.com',
      source: 'https://example.com/',
    },
  });
  await queue.claimTask(taskId, 0, worker);
  const { putUrl } = await queue.createArtifact(taskId, 0, name, {
    storageType: 's3',
    contentType: 'text/plain',
    expires: fromNow('1 hour').toJSON(),
  });
  let bytes = 0;
  const text = Readable.from(
    (function* () {
      for (const piece of lines()) {
        bytes += piece.length;
        yield piece;
      }
    })(),
  );
  const reply = await fetch(putUrl, {
    method: 'PUT',
    body: encoding === 'gzip' ? text.pipe(createGzip({ level: 1 })) : text,
    duplex: 'half',
    headers: { 'content-type': 'text/plain', ...(encoding === 'gzip' ? { 'content-encoding': 'gzip' } : {}) },
  });
  if (!reply.ok) throw new Error(`The upload ended with ${reply.status}: ${await reply.text()}`);
  await queue.reportFailed(taskId, 0);
  console.log(`a log of ${mebibytes(bytes)}, ${linesCount} lines, kept ${encoding}`);
  return taskId;
};

const encoding = process.argv[2] ?? 'plain';
const platform = await startPlatform({ nodeOptions: [], settings: {} });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const { rootUrl, credentials } = platform;
  const taskId = await upload(new Queue({ rootUrl, credentials }), encoding);
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
  const { url } = await new Sessions({ rootUrl, credentials }).createSignInCode();
  await page.goto(url);
  await page.getByRole('heading', { name: 'What goes on' }).waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  let heap = 0;
  const look = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    heap = Math.max(heap, metrics.find(({ name: each }) => each === 'JSHeapUsedSize')?.value ?? 0);
  };
  const timer = setInterval(() => void look().catch(() => {}), 250);
  // From when the page knows where the log is to the picture with the lines, as the page itself sees it.
  await page.addInitScript(`
    globalThis.firstScreen = new Promise((resolve) => {
      const watcher = new MutationObserver(() => {
        if (!document.querySelector('.log-line')) return;
        watcher.disconnect();
        requestAnimationFrame(() => setTimeout(() => {
          const found = performance.getEntriesByType('resource')
            .find(({ name }) => name.includes('/artifact-content/'));
          resolve([found?.responseEnd ?? 0, performance.now()]);
        }));
      });
      watcher.observe(document, { childList: true, subtree: true });
    });`);
  await page.goto(`${rootUrl}/tasks/${taskId}/runs/0/logs/${name}#L1`);
  const [knownAt, shownAt] = (await page.evaluate('globalThis.firstScreen')).map(Math.round);
  console.log(
    `first screen: ${shownAt} ms after the address, ${shownAt - knownAt} ms after the page knew the log`,
  );
  const started = performance.now();
  await page.getByText(`${linesCount} lines`, { exact: true }).waitFor({ timeout: 600_000 });
  console.log(`all lines are known after ${((performance.now() - started) / 1000).toFixed(1)} s more`);

  const timed = async (what, act, text) => {
    const since = performance.now();
    await act();
    await page.locator('.log-line', { hasText: text }).first().waitFor({ timeout: 600_000 });
    console.log(`${what.padEnd(34)} ${Math.round(performance.now() - since)} ms`);
  };
  await page.locator('main h1').click();
  await timed('the first error (e)', () => page.keyboard.press('e'), 'error: it broke here');
  for (const number of [1_234_567, 5_000_000, 9_999_999, 3])
    await timed(
      `line ${number}, with its data`,
      () => page.evaluate(`location.hash = '#L${number}'`),
      `file ${number} `,
    );
  await look();
  clearInterval(timer);
  console.log(`heap: ${mebibytes(heap)} at most`);
} finally {
  await browser.close();
  await platform.stop();
}

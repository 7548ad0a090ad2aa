import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../clock.ts';
import { temporaryDirectory } from '../../testing/places.ts';
import type { LiveLogs } from '../live-logs.ts';
import { openTaskLog } from '../task-log.ts';

/** Reads a stream until what has come ends as wanted. */
const reader = (response: Response) => {
  const stream = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return async (ending: string): Promise<string> => {
    while (!text.endsWith(ending)) {
      const { value, done } = (await stream?.read()) ?? { done: true, value: undefined };
      if (done) break;
      text += value;
    }
    return text;
  };
};

/** The tests of every way to show live logs. */
export const liveLogsSuite = (name: string, open: (t: TestContext) => Promise<LiveLogs>): void => {
  const aLog = async (t: TestContext) => {
    const log = await openTaskLog(join(await temporaryDirectory(t), 'live.log'), systemClock);
    const logs = await open(t);
    t.after(async () => {
      await log.close();
      await logs.close();
    });
    const { url, withdraw } = logs.publish(log);
    return { log, url: await url, withdraw };
  };

  test(`${name}: a viewer gets the log from its start, then each line as it comes, until the end`, async (t) => {
    const { log, url } = await aLog(t);
    log.output.write('one\n');
    const read = reader(await fetch(url));
    assert.equal(await read('one\n'), 'one\n');
    log.output.write('two\n');
    assert.equal(await read('two\n'), 'one\ntwo\n');
    log.output.write('three\n');
    await log.close();
    assert.equal(await read('never'), 'one\ntwo\nthree\n');
  });

  test(`${name}: many viewers see the same, each from where it wants`, async (t) => {
    const { log, url } = await aLog(t);
    log.output.write('0123456789\n');
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, from) => fetch(`${url}?from=${from}`)),
    );
    log.output.write('end\n');
    await log.close();
    const texts = await Promise.all(responses.map((response) => response.text()));
    assert.deepEqual(
      texts,
      Array.from({ length: 20 }, (_, from) => '0123456789\nend\n'.slice(from)),
    );
  });

  test(`${name}: a range returns what is there`, async (t) => {
    const { log, url } = await aLog(t);
    log.output.write('0123456789\n');
    await log.changed();
    const part = await fetch(url, { headers: { range: 'bytes=3-5' } });
    assert.deepEqual([part.status, await part.text()], [206, '345']);
    assert.equal(part.headers.get('content-range'), 'bytes 3-5/*');
    const rest = await fetch(url, { headers: { range: 'bytes=8-' } });
    assert.equal(await rest.text(), '89\n');
    assert.equal((await fetch(url, { headers: { range: 'bytes=11-' } })).status, 416);
    await log.close();
    const closed = await fetch(url, { headers: { range: 'bytes=0-0' } });
    assert.equal(closed.headers.get('content-range'), 'bytes 0-0/11');
    await closed.text();
  });

  test(`${name}: a slow viewer does not hold up the log, and its bytes wait on disk`, async (t) => {
    const { log, url } = await aLog(t);
    const response = await fetch(url);
    const line = `${'x'.repeat(1023)}\n`;
    for (let i = 0; i < 32; i++) {
      await new Promise<unknown>((resolve) => log.output.write(line.repeat(1024), resolve));
    }
    assert.equal(log.size, 32 * 1024 * 1024);
    await log.close();
    assert.equal((await response.arrayBuffer()).byteLength, 32 * 1024 * 1024);
  });

  test(`${name}: a log cannot be read without its URL, nor after it is withdrawn`, async (t) => {
    const { url, withdraw } = await aLog(t);
    assert.equal((await fetch(url.replace(/.$/, '!'))).status, 404);
    assert.equal((await fetch(new URL('/', url))).status, 404);
    assert.equal((await fetch(url, { method: 'POST' })).status, 405);
    assert.equal((await fetch(`${url}?from=-1`)).status, 400);
    assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
    withdraw();
    assert.equal((await fetch(url)).status, 404);
  });

  test(`${name}: a log cannot act as a page`, async (t) => {
    const { log, url } = await aLog(t);
    await log.close();
    const { headers } = await fetch(url);
    assert.match(headers.get('content-type') ?? '', /^text\/plain/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  });
};

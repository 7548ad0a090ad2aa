import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { LogReading } from './read-log.ts';

/** A server of logs; it ends with the test. */
const serve = async (t: TestContext, answer: RequestListener): Promise<string> => {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
};

const aReading = (t: TestContext) => {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  let text = '';
  let leftOut = 0;
  const reading = new LogReading({
    signal: leaving.signal,
    onText: (more) => {
      text += more;
    },
    onLeftOut: (bytes) => {
      leftOut = bytes;
    },
  });
  return { reading, text: () => text, leftOut: () => leftOut };
};

const log = Buffer.from('one\ngrün\nthree\n');
// In the middle of the letter of two bytes.
const cutAt = log.indexOf(0xc3) + 1;

test('a live log that is cut off goes on where it was, and no byte is read twice', async (t) => {
  const asked: string[] = [];
  const url = await serve(t, ({ url: path = '' }, response) => {
    const from = Number(new URL(path, 'http://log').searchParams.get('from') ?? 0);
    asked.push(path);
    response.writeHead(200, { 'x-log-offset': from });
    if (asked.length > 1) response.end(log.subarray(from));
    else response.write(log.subarray(0, cutAt), () => response.destroy());
  });
  const { reading, text } = aReading(t);
  const source = { url, storageType: 'reference' };
  await assert.rejects(reading.readFrom(source), TypeError);
  await reading.readFrom(source);
  assert.equal(text(), log.toString());
  assert.deepEqual(asked, ['/log', `/log?from=${cutAt}`]);
});

test('the log that was kept follows on the live one, of which nothing is shown again', async (t) => {
  const url = await serve(t, ({ url: path = '' }, response) => {
    if (path.startsWith('/log/kept')) response.end(log);
    else response.write(log.subarray(0, cutAt), () => response.destroy());
  });
  const { reading, text } = aReading(t);
  await assert.rejects(reading.readFrom({ url, storageType: 'reference' }), TypeError);
  await reading.readFrom({ url: `${url}/kept`, storageType: 's3' });
  assert.equal(text(), log.toString());
});

test('a worker that begins at the start again, as an old one does, has nothing shown twice', async (t) => {
  let replies = 0;
  const url = await serve(t, (_, response) => {
    if (++replies > 1) response.end(log);
    else response.write(log.subarray(0, cutAt), () => response.destroy());
  });
  const { reading, text } = aReading(t);
  await assert.rejects(reading.readFrom({ url, storageType: 'reference' }), TypeError);
  await reading.readFrom({ url, storageType: 'reference' });
  assert.equal(text(), log.toString());
});

test('of a very large log, the end is read', async (t) => {
  const size = 64 * 2 ** 20 + 10;
  const url = await serve(t, ({ headers: { range } }, response) => {
    if (range) response.writeHead(206, { 'content-range': `bytes 10-${size - 1}/${size}` }).end('the end\n');
    else response.writeHead(200, { 'content-length': size }).write('x');
  });
  const { reading, text, leftOut } = aReading(t);
  await reading.readFrom({ url, storageType: 's3' });
  assert.equal(text(), 'the end\n');
  assert.equal(leftOut(), 10);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually } from '@taskyard/patience';
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
    onText: (more) => {
      text += more;
    },
    onLeftOut: (bytes) => {
      leftOut = bytes;
    },
  });
  const read = (source: { url: string; storageType: string }) => reading.readFrom(source, leaving.signal);
  return { read, text: () => text, leftOut: () => leftOut, leave: () => leaving.abort() };
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
  const { read, text } = aReading(t);
  const source = { url, storageType: 'reference' };
  await assert.rejects(read(source), TypeError);
  await read(source);
  assert.equal(text(), log.toString());
  assert.deepEqual(asked, ['/log', `/log?from=${cutAt}`]);
});

test('the log that was kept follows on the live one, of which nothing is shown again', async (t) => {
  const url = await serve(t, ({ url: path = '' }, response) => {
    if (path.startsWith('/log/kept')) response.end(log);
    else response.write(log.subarray(0, cutAt), () => response.destroy());
  });
  const { read, text } = aReading(t);
  await assert.rejects(read({ url, storageType: 'reference' }), TypeError);
  await read({ url: `${url}/kept`, storageType: 's3' });
  assert.equal(text(), log.toString());
});

test('a worker that begins at the start again, as an old one does, has nothing shown twice', async (t) => {
  let replies = 0;
  const url = await serve(t, (_, response) => {
    if (++replies > 1) response.end(log);
    else response.write(log.subarray(0, cutAt), () => response.destroy());
  });
  const { read, text } = aReading(t);
  await assert.rejects(read({ url, storageType: 'reference' }), TypeError);
  await read({ url, storageType: 'reference' });
  assert.equal(text(), log.toString());
});

test('of a very large log, the end is read', async (t) => {
  const size = 64 * 2 ** 20 + 10;
  const url = await serve(t, ({ headers: { range } }, response) => {
    if (range) response.writeHead(206, { 'content-range': `bytes 10-${size - 1}/${size}` }).end('the end\n');
    else response.writeHead(200, { 'content-length': size }).write('x');
  });
  const { read, text, leftOut } = aReading(t);
  await read({ url, storageType: 's3' });
  assert.equal(text(), 'the end\n');
  assert.equal(leftOut(), 10);
});

test('a very large log that is compressed is read from its beginning', async (t) => {
  const packed = gzipSync('one\ntwo\n');
  let asked = 0;
  const url = await serve(t, ({ headers: { range } }, response) => {
    asked += 1;
    if (range) response.writeHead(206).end(packed.subarray(5));
    // More than it sends: what is compared is the length that the server tells.
    else {
      response.writeHead(200, { 'content-length': 65 * 2 ** 20, 'content-encoding': 'gzip' });
      response.write(packed);
    }
  });
  const { read, text, leftOut, leave } = aReading(t);
  const reading = assert.rejects(read({ url, storageType: 's3' }), { name: 'AbortError' });
  await eventually('the log to be shown', () => text() === 'one\ntwo\n');
  leave();
  await reading;
  assert.equal(leftOut(), 0);
  assert.equal(asked, 1);
});

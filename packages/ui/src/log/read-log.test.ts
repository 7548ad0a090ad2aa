import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LogParts, LogReading } from './read-log.ts';

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
  const pieces: Uint8Array[] = [];
  const reading = new LogReading((bytes) => void pieces.push(bytes));
  const read = (source: { url: string; storageType: string }) => reading.readFrom(source, leaving.signal);
  return { read, text: () => Buffer.concat(pieces).toString() };
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

describe('parts of a log that has been read', () => {
  const long = Buffer.from(Array.from({ length: 10_000 }, (_, i) => `line ${i}\n`).join(''));
  const spans = [
    { offset: 50_000, length: 1000 },
    { offset: 60_000, length: 2000 },
    { offset: 10, length: 7 },
  ];
  const readSpans = async (t: TestContext, url: string) => {
    const leaving = new AbortController();
    t.after(() => leaving.abort());
    const parts = new LogParts(async () => ({ url, storageType: 's3' }), leaving.signal);
    for (const { offset, length } of spans) {
      const bytes = await parts.read({ offset, length });
      assert.equal(Buffer.from(bytes).toString(), long.toString('utf8', offset, offset + length));
    }
  };

  it('are read by ranges', async (t) => {
    const asked: (string | undefined)[] = [];
    const url = await serve(t, ({ headers: { range } }, response) => {
      asked.push(range);
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
      response.writeHead(206).end(long.subarray(Number(first), Number(last) + 1));
    });
    await readSpans(t, url);
    assert.deepEqual(asked, ['bytes=50000-50999', 'bytes=60000-61999', 'bytes=10-16']);
  });

  it('are read from its beginning on where it is compressed, by as few readings as can be', async (t) => {
    const packed = gzipSync(long);
    let whole = 0;
    const url = await serve(t, ({ headers: { range } }, response) => {
      const [, first] = /^bytes=(\d+)-/.exec(range ?? '') ?? [];
      if (!range) whole += 1;
      response.writeHead(range ? 206 : 200, { 'content-encoding': 'gzip' });
      response.end(packed.subarray(Number(first ?? 0)));
    });
    await readSpans(t, url);
    assert.equal(whole, 2);
  });

  it('are read from its beginning on where ranges are not known', async (t) => {
    const url = await serve(t, (_, response) => void response.end(long));
    await readSpans(t, url);
  });

  it('are read again after a reading that ended too early', async (t) => {
    let begun = 0;
    const url = await serve(t, ({ headers: { range } }, response) => {
      if (!range) begun += 1;
      response.end(begun === 1 ? long.subarray(0, 100) : long);
    });
    const leaving = new AbortController();
    t.after(() => leaving.abort());
    const parts = new LogParts(async () => ({ url, storageType: 'reference' }), leaving.signal);
    assert.equal((await parts.read({ offset: 200, length: 50 })).length, 0);
    const bytes = await parts.read({ offset: 200, length: 50 });
    assert.equal(Buffer.from(bytes).toString(), long.toString('utf8', 200, 250));
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { within } from '@taskyard/patience';
import { ConnectionError } from '../errors.ts';
import { type Content, put, UploadError } from './put.ts';

// A store as it behaves on bad days, each attempt answered by the next of some behaviors.

type Behavior = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

const says =
  (status: number, code = ''): Behavior =>
  async (request, response) => {
    await read(request);
    response.writeHead(status).end(code && `<Error><Code>${code}</Code></Error>`);
  };

const aStore = async (t: TestContext, behaviors: readonly Behavior[]) => {
  const stored: string[] = [];
  const paths: string[] = [];
  const takes: Behavior = async (request, response) => {
    const body = await read(request).catch(() => undefined);
    if (body === undefined) return;
    stored.push(body);
    response.end();
  };
  const server = createServer((request, response) => {
    const behave = behaviors[paths.length] ?? takes;
    paths.push(request.url ?? '');
    void behave(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let renewals = 0;
  return {
    stored,
    paths,
    put: (content: Content, silenceMaxMs = 60_000, isSignedBefore = false) =>
      put({
        isSignedBefore,
        signed: { url: `${url}/first`, headers: {} },
        renew: async () => ({ url: `${url}/renewed-${++renewals}`, headers: {} }),
        content,
        signal: undefined,
        silenceMaxMs,
      }),
  };
};

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskyard-put-'));
});
after(() => rm(folder, { recursive: true }));

const text = { bytes: Buffer.from('content') };
const breaksOff: Behavior = (request) => void request.once('data', () => request.socket.destroy());
const isSilent: Behavior = () => {};

describe('bytes are stored', () => {
  const passing: Readonly<Record<string, Behavior>> = {
    'fails for a moment': says(500, 'InternalError'),
    'asks for fewer requests': says(503, 'SlowDown'),
    'counts requests': says(429),
    'did not get them in time': says(400, 'RequestTimeout'),
    'is busy with the same key': says(409, 'OperationAborted'),
    'breaks the connection off in their midst': breaksOff,
  };
  for (const [what, behavior] of Object.entries(passing)) {
    it(`by a store that ${what}`, async (t) => {
      const store = await aStore(t, [behavior]);
      await store.put(text);
      assert.deepEqual(store.stored, ['content']);
      assert.deepEqual(store.paths, ['/first', '/first']);
    });
  }

  it('by a store that is silent', async (t) => {
    const store = await aStore(t, [isSilent]);
    await store.put(text, 500);
    assert.deepEqual(store.stored, ['content']);
  });

  it('by another URL when the first one has expired between two attempts', async (t) => {
    const store = await aStore(t, [breaksOff, says(403, 'AccessDenied')]);
    await store.put(text);
    assert.deepEqual(store.paths, ['/first', '/first', '/renewed-1']);
  });
});

it('a URL that was signed long before its first use is renewed when it is refused', async (t) => {
  const store = await aStore(t, [says(403, 'AccessDenied')]);
  await store.put(text, 60_000, true);
  assert.deepEqual(store.paths, ['/first', '/renewed-1']);
});

describe('bytes are not stored', () => {
  it('by a store that refuses them before it has read them, and nothing of them is left open', async (t) => {
    const path = join(folder, 'large');
    await writeFile(path, Buffer.alloc(8 * 2 ** 20));
    let isClosed = Promise.resolve<unknown>(undefined);
    const store = await aStore(t, [
      (request, response) => {
        // It ends with an error: the rest never comes.
        isClosed = new Promise((resolve) => request.socket.once('close', resolve));
        response.writeHead(400).end('<Error><Code>EntityTooLarge</Code></Error>');
      },
    ]);
    await assert.rejects(
      store.put({ path }),
      (error) => error instanceof UploadError && error.statusCode === 400,
    );
    await within('the connection to be closed', isClosed);
    assert.equal(store.paths.length, 1);
  });

  it('when a URL is refused at once', async (t) => {
    const store = await aStore(t, [says(403, 'AccessDenied')]);
    await assert.rejects(
      store.put(text),
      (error) => error instanceof UploadError && error.statusCode === 403,
    );
  });

  it('by a store that never gets them in time, which says nothing against them', async (t) => {
    const store = await aStore(t, Array(6).fill(says(400, 'RequestTimeout')));
    await assert.rejects(store.put(text), (error) => error instanceof ConnectionError);
  });
});

it('a file that has become shorter is sent again with its new length', async (t) => {
  const path = join(folder, 'shrinks');
  await writeFile(path, Buffer.alloc(16 * 2 ** 20));
  // More than fits into the buffers between the two, so that the rest is read after it has gone.
  const shrinks: Behavior = (request) =>
    void request.once('data', async () => {
      request.pause();
      await truncate(path, 5);
      request.on('error', () => {}).resume();
    });
  const store = await aStore(t, [shrinks]);
  await store.put({ path });
  assert.deepEqual(store.stored, ['\0'.repeat(5)]);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { slugid } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { attributesOf, headerOf, type Keys } from './hawk.ts';
import { aSite, type Site } from './site.ts';
import { aTask, hourFromNow } from './world.ts';

let site: Site;
const endings: (() => Promise<void>)[] = [];
before(async () => {
  site = await aSite({ after: (end) => endings.push(end) });
});
after(async () => {
  for (const end of endings) await end();
});

const taskPath = () => `/api/queue/v1/task/${slugid()}`;
const rootGet = (path: string) => site.ask({ path, as: site.root });

describe('the two ends of one limit fit', () => {
  const claimed = async (scopes: string[]) => {
    const taskQueueId = 'limits/scopes';
    const taskId = slugid();
    await site.prepare('PUT', `/api/queue/v1/task/${taskId}`, aTask({ taskQueueId, scopes }));
    const worker = { workerGroup: 'limits', workerId: 'one', tasks: 1 };
    const path = `/api/queue/v1/claim-work/${encodeURIComponent(taskQueueId)}`;
    const { body } = await site.prepare('POST', path, worker);
    const [claim] = body.tasks as { credentials: Keys & { certificate: string } }[];
    assert.ok(claim);
    const { certificate, ...keys } = claim.credentials;
    return { taskId, as: { ...keys, certificate: JSON.parse(certificate) as Record<string, unknown> } };
  };
  const scopesOf = (count: number) =>
    Array.from({ length: count }, (_, i) => `project:limits:${String(i).padStart(6, '0')}:${'x'.repeat(60)}`);

  it('a task with as many scopes as may be created can be reclaimed and resolved', async () => {
    const { taskId, as } = await claimed(scopesOf(1500));
    for (const end of ['reclaim', 'completed']) {
      const path = `/api/queue/v1/task/${taskId}/runs/0/${end}`;
      const { status, text } = await site.ask({ method: 'POST', path, as, body: {} });
      assert.equal(status, 200, text.slice(0, 300));
    }
  });

  it('one with more is refused when it is created', async () => {
    const body = aTask({ scopes: scopesOf(3000) });
    const answer = await site.ask({ method: 'PUT', path: taskPath(), as: site.root, body });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /scopes may have 131072 bytes/);
  });
});

describe('a time', () => {
  const dates = [
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '2016-12-31T23:59:60Z',
  ];
  for (const expires of dates) {
    it(`${expires} is refused and stored nowhere`, async () => {
      const path = `/api/auth/v1/clients/limits-${slugid()}`;
      const body = { description: '', scopes: [], expires };
      assert.equal((await site.ask({ method: 'PUT', path, as: site.root, body })).status, 400);
      assert.equal((await rootGet(path)).status, 404);
    });
  }
});

describe('a continuation token', () => {
  it('of one listing is refused by another', async () => {
    for (const name of ['limits-a', 'limits-b'])
      await site.prepare('PUT', `/api/auth/v1/clients/${name}`, { description: '', expires: hourFromNow(1) });
    const { body } = await rootGet('/api/auth/v1/clients/?limit=1');
    const token = String(body.continuationToken);
    assert.equal((await rootGet(`/api/auth/v1/clients/?limit=1&continuationToken=${token}`)).status, 200);
    for (const path of [
      '/api/auth/v1/roles2/',
      '/api/auth/v1/audit/client/limits-a',
      '/api/secrets/v1/secrets',
    ]) {
      const { status, text } = await rootGet(`${path}?limit=1&continuationToken=${token}`);
      assert.equal(status, 400, `${path}: ${text}`);
    }
  });
});

describe('requests that clients write in several ways', () => {
  it('a body may begin with a byte order mark, signed or not', async () => {
    const body = `\ufeff${JSON.stringify(aTask())}`;
    await site.prepare('PUT', taskPath(), body);
  });

  it('a path is found with a slash at its end and without it', async () => {
    for (const path of ['roles2', 'clients', 'roles', 'roleids', 'scopes/current', 'ping'])
      for (const end of ['', '/'])
        assert.equal((await rootGet(`/api/auth/v1/${path}${end}`)).status, 200, path + end);
  });

  it('an IPv6 address is signed with brackets or without', async () => {
    const path = '/api/auth/v1/scopes/current';
    const host = `[::1]:${site.port}`;
    for (const signed of ['::1', '[::1]']) {
      const attributes = attributesOf(site.root, { method: 'GET', path, port: site.port, host: signed });
      const { status, text } = await site.ask({
        path,
        headers: { host, authorization: headerOf(attributes) },
      });
      assert.equal(status, 200, text);
    }
  });

  it('a long reply is compressed for clients that accept that', async () => {
    const scopes = Array.from({ length: 100 }, (_, i) => `limits:scope-${i}`);
    const path = '/api/auth/v1/roles/limits';
    await site.prepare('PUT', path, { description: '', scopes });
    for (const [accepted, isCompressed] of [
      ['gzip, deflate', true],
      ['identity', false],
    ] as const) {
      const authorization = headerOf(attributesOf(site.root, { method: 'GET', path, port: site.port }));
      const reply = await rawExchange(
        path,
        `authorization: ${authorization}\r\naccept-encoding: ${accepted}\r\n`,
      );
      const at = reply.indexOf('\r\n\r\n');
      const head = reply.subarray(0, at).toString();
      assert.equal(/content-encoding: gzip/i.test(head), isCompressed, head);
      assert.match(head, /vary: .*accept-encoding/i);
      const body = reply.subarray(at + 4);
      assert.match((isCompressed ? gunzipSync(body) : body).toString(), /limits:scope-99/);
    }
  });
});

/** A GET over a connection of its own, and all that comes back. */
const rawExchange = async (path: string, headers: string): Promise<Buffer> => {
  const socket = connect(site.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${site.port}\r\nconnection: close\r\n${headers}\r\n`);
  await once(socket, 'close');
  return Buffer.concat(chunks);
};

describe('a caller that ends its half of the connection right behind its request', () => {
  const ask = async (method: string, path: string, body?: object): Promise<string> => {
    const socket = connect({ port: site.port, host: '127.0.0.1', allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    const authorization = headerOf(attributesOf(site.root, { method, path, port: site.port }));
    const text = body ? JSON.stringify(body) : '';
    const headers = [
      `host: 127.0.0.1:${site.port}`,
      `authorization: ${authorization}`,
      'content-type: application/json',
      `content-length: ${text.length}`,
    ];
    socket.end(`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${text}`);
    await within('the end of the connection', once(socket, 'close'));
    return Buffer.concat(chunks).toString();
  };

  it('gets its reply', async () => {
    const role = { description: '', scopes: ['limits:half'] };
    assert.match(await ask('PUT', '/api/auth/v1/roles/half', role), /^HTTP\/1\.1 200 .*limits:half/s);
    assert.match(await ask('GET', '/api/auth/v1/roles/half'), /^HTTP\/1\.1 200 .*limits:half/s);
  });

  it('is taken to have gone where it would have to wait', async () => {
    const worker = { tasks: 1, workerGroup: 'half', workerId: 'half' };
    assert.equal(await ask('POST', '/api/queue/v1/claim-work/limits%2Fhalf', worker), '');
  });
});

describe('a refusal', () => {
  /** Sends a whole body before it reads anything, as many clients do. */
  const answerTo = (head: string, body: Buffer): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect(site.port, '127.0.0.1').pause();
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
      socket.write(`${head}\r\nhost: 127.0.0.1:${site.port}\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body, () => {
        socket.once('data', (chunk) => {
          resolve(String(chunk).split('\r\n', 1)[0] ?? '');
          socket.destroy();
        });
        socket.once('end', () => resolve('closed without an answer'));
        socket.resume();
      });
    });
  const large = Buffer.alloc(20 * 2 ** 20, 'a');
  const heads: readonly (readonly [string, () => string, RegExp])[] = [
    [
      'a body that is too large',
      () => `PUT ${taskPath()} HTTP/1.1\r\ncontent-type: application/json`,
      /413|401|403/,
    ],
    [
      'the same, by a client that closes',
      () => `PUT ${taskPath()} HTTP/1.1\r\nconnection: close`,
      /413|401|403/,
    ],
    ['bytes that no URL was signed for', () => 'PUT /objects/a/0/b?expires=1&signature=x HTTP/1.1', / 40\d /],
    ['a path that is not there', () => 'POST /nowhere HTTP/1.1', / 4\d\d /],
  ];
  for (const [name, head, status] of heads) {
    it(`of ${name} reaches its sender`, async () => {
      for (let i = 0; i < 3; i++) assert.match(await answerTo(head(), large), status);
    });
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { fastify } from 'fastify';
import { connect, manualClock, minutes, RequestError, runLoops, seconds, silentLog } from '../base/index.ts';
import { type TestDatabase, testDatabase } from '../testing/index.ts';
import type { Context } from './context.ts';
import { createTunnels } from './index.ts';
import { begin, type DialledWorker, dialIn } from './testing.ts';

const scopes = ['queue:claim-work:prov/type', 'queue:worker-id:hall/one'];

/** The caller by the text of the header: `worker` may claim work, `other` may not, anything else is unknown. */
const authenticate =
  (revoked: ReadonlySet<string>): Context['authenticate'] =>
  async ({ headers }) => {
    const clientId = String(headers.authorization);
    const held = clientId.startsWith('worker') ? scopes : [];
    if ((clientId !== 'other' && held.length === 0) || revoked.has(clientId))
      throw new RequestError('AuthenticationFailed', 'Nobody knows you.');
    return {
      clientId,
      isAnonymous: false,
      scopes: held,
      expires: new Date(8.64e15),
      satisfies: (required) => (required as { AllOf: string[] }).AllOf.every((scope) => held.includes(scope)),
    };
  };

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.drop());

/** One process of a deployment; it ends with the tests. */
const openings: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of openings) await close();
});
const aProcess = async (given: Partial<Context> = {}) => {
  const clock = manualClock();
  const db = connect({ url: database.url });
  const revoked = new Set<string>();
  const app = fastify({ logger: false });
  let rootUrl = '';
  const tunnels = createTunnels({
    db,
    clock,
    log: silentLog,
    authenticate: authenticate(revoked),
    rootUrl: () => rootUrl,
    hasPeers: true,
    ...given,
  });
  tunnels.register(app);
  app.get('/page', () => 'a page');
  app.post('/page', (asked) => asked.body);
  await app.listen({ port: 0, host: '127.0.0.1' });
  rootUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    await tunnels.drain();
    app.server.closeAllConnections();
    await app.close();
    await db.close();
  };
  openings.push(close);
  return { clock, tunnels, revoked, rootUrl };
};

let instances = 0;
const openUrl = (rootUrl: string, instance = `i${++instances}`): string =>
  `${rootUrl}/tunnels/open/prov/type/hall/one/${instance}`;

/** A worker that shows one line of a log that does not end. */
const aWorker = (
  { rootUrl }: { rootUrl: string },
  { clientId = 'worker', instance = `i${++instances}` } = {},
): Promise<DialledWorker> =>
  dialIn(openUrl(rootUrl, instance), clientId, (stream, path) => {
    if (path === '/proof') begin(stream).end(clientId);
    else begin(stream).write(`asked for ${path}\n`);
  });

const rowsOf = async ({ url }: DialledWorker): Promise<number> => {
  const id = url.split('/').at(-1) ?? '';
  return (await database.db`select tunnel_id from tunnels where tunnel_id = ${id}`).length;
};

const lineOf = async (url: string): Promise<{ status: number; line: string; leave(): void }> => {
  const sent = request(url, { agent: false });
  sent.end();
  const [response] = await within('a reply', once(sent, 'response'));
  const [line = ''] = response.statusCode === 200 ? await within('a line', once(response, 'data')) : [];
  response.on('error', () => {}).resume();
  return { status: response.statusCode, line: String(line), leave: () => sent.destroy() };
};

const statusOf = async (url: string): Promise<number> => {
  const { status, leave } = await lineOf(url);
  leave();
  return status;
};

describe('a tunnel', () => {
  it('is opened only for callers that may claim work as this worker', async () => {
    const { rootUrl } = await aProcess();
    const refused = (clientId: string, url = openUrl(rootUrl)) =>
      dialIn(url, clientId, () => {}).then(
        () => 101,
        (status) => status,
      );
    assert.equal(await refused('stranger'), 401);
    assert.equal(await refused('other'), 403);
    assert.equal(await refused('worker', `${rootUrl}/tunnels/open/prov/type/hall/two/i`), 403);
    assert.equal(await refused('worker', `${rootUrl}/tunnels/open/prov/type/hall`), 404);
    assert.equal(await refused('worker', `${rootUrl}/tunnels/open/prov/type/hall/one/a%2fb`), 404);
  });

  it('connects viewers of every process to the worker, with the same URL after a reconnection', async () => {
    const [here, there] = [await aProcess(), await aProcess()];
    const first = await aWorker(here, { instance: 'same' });
    const path = `${new URL(first.url).pathname}/log/abc?from=3`;
    for (const { rootUrl } of [here, there]) {
      const { line, leave } = await lineOf(`${rootUrl}${path}`);
      assert.equal(line, 'asked for /log/abc?from=3\n');
      leave();
    }
    const second = await aWorker(there, { instance: 'same' });
    assert.equal(new URL(second.url).pathname, new URL(first.url).pathname);
    first.socket.terminate();
    await first.closed;
    await eventually(
      'the other process to have it',
      async () => (await statusOf(`${here.rootUrl}${path}`)) === 200,
    );
  });

  it('counts those who look, wherever they look, until they leave', async () => {
    const [here, there] = [await aProcess(), await aProcess()];
    const worker = await aWorker(here);
    const path = `${new URL(worker.url).pathname}/log/abc`;
    const viewers = () => [here, there].map(({ tunnels }) => tunnels.measures.viewers());
    const looking = await Promise.all([here, here, there].map(({ rootUrl }) => lineOf(`${rootUrl}${path}`)));
    assert.deepEqual(viewers(), [2, 1]);
    for (const { leave } of looking) leave();
    await eventually('all to have left', viewers, ([one, other]) => one === 0 && other === 0);
    assert.deepEqual(here.tunnels.measures.replies(), [{ labels: ['200'], value: 2 }]);
    assert.equal(here.tunnels.measures.bytesSent(), 2 * 'asked for /log/abc\n'.length);
  });

  it('closes the earlier connection of the same worker', async () => {
    const here = await aProcess();
    const first = await aWorker(here, { instance: 'twice' });
    const second = await aWorker(here, { instance: 'twice' });
    assert.equal(await within('the first to end', first.closed), 4409);
    assert.equal(await statusOf(`${second.url}/log/abc`), 200);
  });

  it('is deleted when the worker closes it, and kept for a while when it breaks', async () => {
    const here = await aProcess();
    const [ended, broken] = [await aWorker(here), await aWorker(here)];
    assert.deepEqual([await rowsOf(ended), await rowsOf(broken)], [1, 1]);
    ended.socket.close(1000);
    await eventually('the row to be deleted', async () => (await rowsOf(ended)) === 0);
    assert.equal(await statusOf(`${ended.url}/log/abc`), 404);
    broken.socket.terminate();
    await eventually('the viewers to be told', async () => (await statusOf(`${broken.url}/log/abc`)) === 503);
    const atOther = new URL(`${new URL(broken.url).pathname}/log/abc`, (await aProcess()).rootUrl);
    assert.equal(await statusOf(atOther.href), 503);
    here.clock.advance(minutes(6));
    assert.equal(await statusOf(`${broken.url}/log/abc`), 404);
    const loops = runLoops(here.tunnels.loops, { clock: here.clock, log: silentLog });
    await eventually('the row to be deleted', async () => (await rowsOf(broken)) === 0);
    await loops.stop();
  });

  it('stays known while it is open', async () => {
    const here = await aProcess();
    const loops = runLoops(here.tunnels.loopsOfEachProcess ?? [], { clock: here.clock, log: silentLog });
    const { url } = await aWorker(here);
    const id = url.split('/').at(-1) ?? '';
    const expires = async () =>
      (await database.db<{ expires: Date }>`select expires from tunnels where tunnel_id = ${id}`)[0]?.expires;
    const before = await expires();
    here.clock.advance(minutes(1));
    await eventually(
      'a later end',
      expires,
      (now) => now !== undefined && before !== undefined && now > before,
    );
    await loops.stop();
  });

  it('breaks a reply off when the worker does, so that it does not look complete', async () => {
    const here = await aProcess();
    const worker = await aWorker(here);
    const sent = request(`${worker.url}/log/abc`, { agent: false });
    sent.end();
    const [response] = await within('a reply', once(sent, 'response'));
    await within('a line', once(response, 'readable'));
    worker.socket.terminate();
    await assert.rejects(within('the end', text(response)), { code: 'ECONNRESET' });
  });

  it('shows what a worker sends as text only, and nothing but logs', async () => {
    const here = await aProcess();
    const hostile = { 'content-type': 'text/html', 'set-cookie': 'a=b', 'content-security-policy': '' };
    const asked: string[] = [];
    const worker = await dialIn(openUrl(here.rootUrl), 'worker', (stream, path) => {
      asked.push(path);
      begin(stream, hostile).end('<script>');
    });
    const { headers } = await fetch(`${worker.url}/log/abc`);
    assert.equal(headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(headers.get('set-cookie'), null);
    assert.match(headers.get('content-security-policy') ?? '', /sandbox/);
    for (const path of ['/proof', '/log/../proof', '/', '/log/', '/log/a/b'])
      assert.equal(await statusOf(`${worker.url}${path}`), 404, path);
    assert.equal((await fetch(`${worker.url}/log/abc`, { method: 'POST' })).status, 404);
    assert.deepEqual(asked, ['/log/abc']);
  });

  it('ends when the worker can no longer prove its identity, or does not reply', async () => {
    const here = await aProcess();
    const good = await aWorker(here);
    const revoked = await aWorker(here, { clientId: 'worker/revoked' });
    const silent = await dialIn(openUrl(here.rootUrl), 'worker', () => {});
    here.revoked.add('worker/revoked');
    here.clock.advance(seconds(25));
    assert.equal(await within('the revoked one to be sent away', revoked.closed), 4401);
    here.clock.advance(seconds(60));
    assert.equal(await within('the silent one to be cut off', silent.closed), 4408);
    assert.equal(await statusOf(`${good.url}/log/abc`), 200);
  });

  it('has limits for a process, a client, and viewers', async () => {
    const limits = { tunnels: 3, tunnelsPerClient: 2, viewers: 3, viewersPerTunnel: 2 };
    const here = await aProcess({ limits });
    const [one] = [await aWorker(here), await aWorker(here)] as const;
    await assert.rejects(aWorker(here), (status) => status === 429);
    const other = await aWorker(here, { clientId: 'worker/b' });
    await assert.rejects(aWorker(here, { clientId: 'worker/c' }), (status) => status === 503);
    const first = await Promise.all([lineOf(`${one.url}/log/a`), lineOf(`${one.url}/log/a`)]);
    assert.equal(await statusOf(`${one.url}/log/a`), 429);
    const third = await lineOf(`${other.url}/log/a`);
    assert.equal(await statusOf(`${other.url}/log/a`), 429);
    for (const { leave } of [...first, third]) leave();
    await eventually('room for another viewer', async () => (await statusOf(`${one.url}/log/a`)) === 200);
    one.socket.close(1000);
    await one.closed;
    await eventually('room for another tunnel', () =>
      aWorker(here).then(
        () => true,
        () => false,
      ),
    );
  });
});

it('a process that ends tells its workers to reconnect, and accepts no others', async () => {
  const here = await aProcess();
  const worker = await aWorker(here);
  await here.tunnels.drain();
  assert.equal(await worker.closed, 1012);
  await assert.rejects(aWorker(here), (status) => status === 503);
});

it('a request that offers another protocol is served as if it had not', async () => {
  const { rootUrl } = await aProcess();
  const offer = ['upgrade: h2c', 'http2-settings: AAMAAABkAAQCAAAAAAIAAAAA'];
  const ask = (start: string, lines: readonly string[], body = ''): Promise<string> => {
    const socket = connectSocket(Number(new URL(rootUrl).port), '127.0.0.1');
    const head = [start, 'host: localhost', 'connection: upgrade, http2-settings, close', ...lines];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    return within('a reply', text(socket));
  };
  assert.match(await ask('GET /page HTTP/1.1', offer), /^HTTP\/1\.1 200 [\s\S]*a page$/);
  const posted = ['content-type: application/json', 'content-length: 11', ...offer];
  const reply = await ask('POST /page HTTP/1.1', posted, '{"some": 1}');
  assert.match(reply, /^HTTP\/1\.1 200 [\s\S]*\{"some":1\}$/);
  assert.match(await ask('GET /page HTTP/1.1', ['upgrade: websocket']), /^HTTP\/1\.1 200 [\s\S]*a page$/);
});

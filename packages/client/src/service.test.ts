import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, pause, within } from '@taskyard/patience';
import { ApiError, type ApiErrorCode, ConnectionError } from './errors.ts';
import { errorStatuses } from './generated/error-codes.ts';
import { Queue } from './generated/index.ts';
import { type Answer, json, serve } from './testing/server.ts';
import { fetchTransport, textOf, transport } from './transport.ts';

const withServer = async (
  answer: Answer,
  test: (queue: Queue, server: Awaited<ReturnType<typeof serve>>) => Promise<void>,
): Promise<void> => {
  const server = await serve(answer);
  try {
    await test(new Queue({ rootUrl: `${server.rootUrl}/`, retryDelayMs: 1 }), server);
  } finally {
    await server.close();
  }
};

describe('a call', () => {
  it('sends its parameters in the path, its body and its query', () =>
    withServer(
      (_request, response) => json(response, { fine: true }),
      async (queue, { requests }) => {
        const body = { workerGroup: 'g', workerId: 'w', tasks: 1 };
        assert.deepEqual(await queue.claimWork('proj/ci', body), { fine: true });
        await queue.listTaskGroup('group', { limit: 3, continuationToken: undefined });
        assert.equal(requests[0]?.method, 'POST');
        assert.equal(requests[0]?.url, '/api/queue/v1/claim-work/proj%2Fci');
        assert.deepEqual(JSON.parse(requests[0]?.text ?? ''), body);
        assert.equal(requests[1]?.url, '/api/queue/v1/task-group/group/list?limit=3');
      },
    ));

  it('is not sent again, unasked, when its reply breaks off on a connection that was used before', () =>
    withServer(
      ({ url }, response) => {
        if (!url.endsWith('/broken/status')) return json(response, {});
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        // The client has its beginning by then.
        response.write('{', () => void pause(50).then(() => response.socket?.resetAndDestroy()));
      },
      async (queue, { requests }) => {
        const once = queue.use({ retries: 0 });
        await once.status('before');
        // Only then the connection waits for its next request.
        await new Promise((resolve) => setImmediate(resolve));
        await assert.rejects(once.status('broken'), ConnectionError);
        await once.status('after');
        assert.deepEqual(
          requests.map(({ url }) => url.split('/').at(-2)),
          ['before', 'broken', 'after'],
        );
      },
    ));

  it('answers nothing for a reply without content, and the body of a redirect', () =>
    withServer(
      ({ url }, response) => {
        if (url.endsWith('/name')) {
          response.setHeader('location', 'http://127.0.0.1:1/');
          json(response, { storageType: 's3', url: 'http://127.0.0.1:1/' }, 303);
        } else response.writeHead(204).end();
      },
      async (queue) => {
        assert.equal(await queue.finishArtifact('task', 0, 'name2', { uploadId: 'x' }), undefined);
        const { storageType } = await queue.getLatestArtifact('task', 'name');
        assert.equal(storageType, 's3');
      },
    ));

  it('is repeated after server errors and lost connections', () =>
    withServer(
      (() => {
        let count = 0;
        return (_request, response) => {
          count += 1;
          if (count === 1) response.writeHead(503).end('overloaded');
          else if (count === 2) response.destroy();
          else json(response, { alive: true });
        };
      })(),
      async (queue, { requests }) => {
        assert.deepEqual(await queue.ping(), { alive: true });
        assert.equal(requests.length, 3);
      },
    ));

  it('gives up after the retries it was given', () =>
    withServer(
      (_request, response) => json(response, { code: 'InternalServerError', message: 'broken' }, 500),
      async (queue, { requests }) => {
        const patient = queue.use({ retries: 2 });
        await assert.rejects(patient.ping(), {
          name: 'ApiError',
          statusCode: 500,
          code: 'InternalServerError',
        });
        assert.equal(requests.length, 3);
      },
    ));

  it('is not repeated when it was refused, and says why', () =>
    withServer(
      (_request, response) =>
        json(response, { code: 'RequestConflict', message: 'taken', requestInfo: {} }, 409),
      async (queue, { requests }) => {
        const error = await queue.cancelTask('task').catch((caught: unknown) => caught);
        assert.ok(error instanceof ApiError);
        assert.equal(error.code, 'RequestConflict');
        assert.equal(error.message, 'taken');
        assert.deepEqual(error.body, { code: 'RequestConflict', message: 'taken', requestInfo: {} });
        assert.equal(requests.length, 1);
      },
    ));

  it('has a code of the table, and none that the table does not know', () => {
    for (const [code, status] of Object.entries(errorStatuses))
      assert.equal(new ApiError(status, { code, message: 'no' }, 'ping').code, code);
    for (const body of [{ code: 'OfAProxy' }, { code: 'toString' }, { code: 5 }, 'text', undefined])
      assert.equal(new ApiError(502, body, 'ping').code, 'UnknownError');
    // The compiler knows the codes: one that no server has cannot be asked for.
    const code: ApiErrorCode = new ApiError(404, { code: 'ResourceNotFound' }, 'ping').code;
    const isKnown: 'ResourceNotFound' extends ApiErrorCode ? true : false = true;
    const isOpen: string extends ApiErrorCode ? true : false = false;
    assert.deepEqual([code, isKnown, isOpen], ['ResourceNotFound', true, false]);
  });

  it('stops when its signal aborts', () =>
    withServer(
      () => {},
      async (queue, { requests }) => {
        const controller = new AbortController();
        const call = queue.ping({ signal: controller.signal });
        await eventually('the request to reach the server', () => requests.length > 0);
        controller.abort(new Error('no longer wanted'));
        await within('the call to stop', assert.rejects(call, /no longer wanted/));
      },
    ));

  it('fails when no answer comes in time, or nobody is there', () =>
    withServer(
      () => {},
      async (queue, server) => {
        await assert.rejects(queue.use({ timeoutMs: 20, retries: 0 }).ping(), ConnectionError);
        await server.close();
        await assert.rejects(queue.use({ retries: 1 }).ping(), /No answer from http:.*ECONNREFUSED/);
      },
    ));

  it('goes over the wire in the same way from browsers', () =>
    withServer(
      ({ method, text, headers }, response) =>
        json(response, { method, text, type: headers['content-type'] ?? '' }),
      async (_queue, { rootUrl }) => {
        for (const send of [transport, fetchTransport]) {
          const wire = { url: new URL(rootUrl), signal: new AbortController().signal };
          const headers = { 'content-type': 'application/json' };
          const posted = await send({ ...wire, method: 'POST', headers, body: '{"ä":1}' });
          assert.deepEqual(JSON.parse(await textOf(posted)), {
            method: 'POST',
            text: '{"ä":1}',
            type: 'application/json',
          });
          const empty = await send({ ...wire, method: 'POST', headers: {} });
          assert.deepEqual(JSON.parse(await textOf(empty)), { method: 'POST', text: '', type: '' });
          assert.equal(empty.contentType, 'application/json; charset=utf-8');
        }
      },
    ));

  it('survives that the server closed the connection meanwhile', () =>
    withServer(
      (() => {
        let count = 0;
        return (_request, response) => {
          count += 1;
          if (count === 2) response.destroy();
          else json(response, { count });
        };
      })(),
      async (queue) => {
        const impatient = queue.use({ retries: 0 });
        assert.deepEqual(await impatient.ping(), { count: 1 });
        assert.deepEqual(await impatient.ping(), { count: 3 });
      },
    ));

  it('with arguments that do not fit is refused before it is sent', () =>
    withServer(
      (_request, response) => json(response, {}),
      async (queue, { requests }) => {
        await assert.rejects(queue.call('task', []), /task takes \(taskId, options\?\)/);
        await assert.rejects(queue.call('status', ['a', { limit: 1 }]), /no query parameter limit/);
        await assert.rejects(queue.call('claimTask', ['a']), /\(taskId, runId, body, options\?\)/);
        await assert.rejects(queue.call('nothing', []), /no method nothing/);
        assert.equal(requests.length, 0);
      },
    ));

  it('has a URL, signed on demand', async () => {
    const credentials = { clientId: 'c', accessToken: 't' };
    const queue = new Queue({ rootUrl: 'http://localhost', credentials });
    const url = queue.buildUrl('getLatestArtifact', 'task', 'public/a b');
    assert.equal(url, 'http://localhost/api/queue/v1/task/task/artifacts/public%2Fa%20b');
    const signed = await queue.buildSignedUrl('getLatestArtifact', ['task', 'public/a b'], new Date());
    assert.ok(signed.startsWith(`${url}?bewit=`));
    await assert.rejects(queue.buildSignedUrl('cancelTask', ['task'], new Date()), /no GET method/);
  });
});

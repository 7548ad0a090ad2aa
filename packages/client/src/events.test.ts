import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { within } from '@taskyard/patience';
import { followEvents, type StreamedMessage } from './events.ts';
import { bindingFor } from './exchange.ts';
import { queueExchanges } from './generated/index.ts';
import { json, serve } from './testing/server.ts';

const begin = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
};

const message = (id: number): string => {
  const body = { exchange: 'e', routingKey: 'a.b', routes: ['r'], payload: { id } };
  return `id: ${id}\ndata: ${JSON.stringify(body)}\n\n`;
};

const take = async (stream: AsyncGenerator<StreamedMessage>, count: number): Promise<StreamedMessage[]> => {
  const taken: StreamedMessage[] = [];
  for await (const found of stream) {
    taken.push(found);
    if (taken.length === count) break;
  }
  return taken;
};

const bindings = [{ exchange: 'e', routingKeyPattern: '#' }];

describe('the event stream', () => {
  it('asks for its bindings, and hands on messages as they come', async () => {
    const server = await serve((_request, response) => {
      begin(response);
      response.write(`: hello\n\n${message(1)}${message(2).slice(0, 20)}`);
      setImmediate(() => response.write(message(2).slice(20)));
    });
    const taken = await take(followEvents({ rootUrl: server.rootUrl, bindings }), 2);
    await server.close();
    assert.deepEqual(taken[0], {
      id: '1',
      exchange: 'e',
      routingKey: 'a.b',
      routes: ['r'],
      payload: { id: 1 },
    });
    assert.equal(taken[1]?.id, '2');
    const url = new URL(server.requests[0]?.url ?? '', server.rootUrl);
    assert.equal(url.pathname, '/api/events/v1/stream');
    assert.deepEqual(JSON.parse(url.searchParams.get('bindings') ?? ''), bindings);
  });

  it('goes on after the last message when the connection breaks or ends', async () => {
    const server = await serve(({ headers }, response) => {
      const after = Number(headers['last-event-id'] ?? 0);
      begin(response);
      response.write(message(after + 1), () => (after === 1 ? response.end() : response.destroy()));
    });
    const connections: boolean[] = [];
    const onConnect = ({ isGapless }: { isGapless: boolean }): void => void connections.push(isGapless);
    const taken = await take(followEvents({ rootUrl: server.rootUrl, bindings, onConnect }), 3);
    await server.close();
    assert.deepEqual(
      taken.map(({ id }) => id),
      ['1', '2', '3'],
    );
    assert.deepEqual(connections, [false, true, true]);
  });

  it('learns where it stands from an event that is no message', async () => {
    const server = await serve(({ headers }, response) => {
      begin(response);
      if (headers['last-event-id'] === '7') response.write(message(8));
      else response.write('event: ready\nid: 7\ndata: {}\n\n', () => response.end());
    });
    const [first] = await take(followEvents({ rootUrl: server.rootUrl, bindings }), 1);
    await server.close();
    assert.equal(first?.id, '8');
  });

  it('starts anew, and says so, when the server has forgotten the place', async () => {
    const server = await serve(({ headers }, response) => {
      if (headers['last-event-id']) json(response, { code: 'ResourceExpired', message: 'too old' }, 410);
      else {
        begin(response);
        response.write(message(9));
      }
    });
    const gapless: boolean[] = [];
    const onConnect = ({ isGapless }: { isGapless: boolean }): void => void gapless.push(isGapless);
    const taken = await take(
      followEvents({ rootUrl: server.rootUrl, bindings, onConnect, lastEventId: '1' }),
      1,
    );
    await server.close();
    assert.equal(taken[0]?.id, '9');
    assert.deepEqual(gapless, [false]);
  });

  it('takes a silent connection for dead', async () => {
    let count = 0;
    const server = await serve((_request, response) => {
      begin(response);
      count += 1;
      // On a machine that is busy the silence may be over before this is read: then the next connection has it.
      if (count > 1) response.write(message(1));
    });
    const taken = await take(followEvents({ rootUrl: server.rootUrl, bindings, silenceMaxMs: 30 }), 1);
    await server.close();
    assert.equal(taken.length, 1);
    assert.ok(count > 1);
  });

  it('ends with its signal', async () => {
    const server = await serve((_request, response) => begin(response));
    const controller = new AbortController();
    const onConnect = (): void => controller.abort();
    const { signal } = controller;
    assert.deepEqual(
      await take(followEvents({ rootUrl: server.rootUrl, bindings, signal, onConnect }), 1),
      [],
    );
    assert.ok(signal.aborted || (await within('the abort', once(signal, 'abort'))));
    await server.close();
  });

  it('fails when the server refuses, or stays away', async () => {
    const server = await serve((_request, response) =>
      json(response, { code: 'InsufficientScopes', message: 'no' }, 403),
    );
    const follow = followEvents({ rootUrl: server.rootUrl, bindings, retries: 1 });
    await assert.rejects(take(follow, 1), { name: 'ApiError', statusCode: 403, code: 'InsufficientScopes' });
    await server.close();
    const again = followEvents({ rootUrl: server.rootUrl, bindings, retries: 1 });
    await assert.rejects(take(again, 1), { name: 'ConnectionError' });
  });
});

describe('a binding', () => {
  it('names the words of a routing key that matter', () => {
    assert.deepEqual(bindingFor(queueExchanges.taskCompleted, { taskGroupId: 'G' }), {
      exchange: 'exchange/taskcluster-queue/v1/task-completed',
      routingKeyPattern: 'primary.*.*.*.*.*.*.*.G.#',
    });
  });
});

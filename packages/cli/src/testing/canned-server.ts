import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before } from 'node:test';
import { main } from '../main.ts';
import { memoryIo } from './memory-io.ts';

/** A call that a server got: the path after `/api/`, with its query. */
export interface Asked {
  readonly path: string;
  readonly method: string;
}

/** What a command printed, and its exit code. */
export interface Printed {
  readonly out: string;
  readonly err: string;
  readonly exitCode: ReturnType<ReturnType<typeof memoryIo>['exitCode']>;
}

/**
 * For the tests of one file: runs commands against a server that replies to each call with what `find` returns, and by 404
 * where that is nothing.
 */
export const withCannedServer = (
  find: (asked: Asked) => object | undefined,
): ((...args: string[]) => Promise<Printed>) => {
  const server = createServer(({ url = '', method = '' }, reply) => {
    const found = find({ path: url.replace('/api/', ''), method });
    const missing = { code: 'ResourceNotFound', message: `There is no ${url}.`, requestInfo: {} };
    reply.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    reply.end(JSON.stringify(found ?? missing));
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => void server.close().closeAllConnections());
  return async (...args) => {
    const rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const world = memoryIo({ server: { rootUrl } });
    await main(['node', 'taskyard', ...args], world.io);
    return { out: world.out(), err: world.err(), exitCode: world.exitCode() };
  };
};

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

/** A request to a fake. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server that replies with the result of a function, as JSON unless it is a text; it ends with the test. */
export const fakeServer = async (
  t: TestContext,
  answer: (asked: Asked) => { status: number; body?: unknown },
): Promise<string> => {
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const { status, body = {} } = answer({ method, path: url, headers, body: await text(request) });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

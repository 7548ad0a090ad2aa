import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';

/** For tests: a server that takes one worker's tunnel in, and hands on what viewers ask. */
export interface TunnelEnd {
  readonly rootUrl: string;
  close(): Promise<void>;
}

const tunnelPath = '/tunnels/here';

/** For tests: opens the server's end of a tunnel; with `isUnknown` it has none, like the original's server. */
export const openTunnelEnd = async ({ isUnknown = false } = {}): Promise<TunnelEnd> => {
  let session: ClientHttp2Session | undefined;
  const server = createServer((request, response) => {
    if (!session || !request.url?.startsWith(tunnelPath)) response.writeHead(404).end();
    else handOn(session, request, response);
  });
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('headers', (headers) => headers.push(`x-taskyard-tunnel: ${rootUrl()}${tunnelPath}`));
  const take = (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
    sockets.handleUpgrade(request, socket, head, (dialled) => {
      const duplex = createWebSocketStream(dialled);
      duplex.on('error', () => {});
      session = connect('http://worker', { createConnection: () => duplex });
      session.on('error', () => {});
    });
  server.on('upgrade', (request, socket, head) => {
    if (isUnknown) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    else take(request, socket, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const rootUrl = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    rootUrl: rootUrl(),
    close: async () => {
      session?.destroy();
      for (const socket of sockets.clients) socket.terminate();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

/** Viewers only read: the server asks workers nothing else for them. */
const handOn = (session: ClientHttp2Session, request: IncomingMessage, response: ServerResponse): void => {
  const { method = 'GET', url = '', headers } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405).end();
    return;
  }
  const { range } = headers;
  const stream = session.request({
    ':method': method,
    ':path': url.slice(tunnelPath.length) || '/',
    ...(range ? { range } : {}),
  });
  stream.on('error', () => response.destroy());
  response.once('close', () => stream.close());
  stream.once('response', ({ ':status': status = 500, ...more }) => {
    const named = Object.entries(more).filter(([name]) => !name.startsWith(':'));
    response.writeHead(status, Object.fromEntries(named) as Record<string, string>);
    response.flushHeaders();
    stream.pipe(response);
  });
};

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes over the connection of a request that asks for another protocol on it. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Has requests that ask for a websocket at paths with this beginning taken over. All others are answered as if they had
 * not asked: many clients offer HTTP/2 in this way, and take no for an answer.
 */
export const takeUpgrades = (server: Server, prefix: string, take: Upgrade): void => {
  server.on('upgrade', (request, socket, head) => {
    const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
    if (isWebSocket && request.url?.startsWith(prefix)) return take(request, socket, head);
    serveAsItIs(server, { request, socket, head });
  });
};

const hopHeaders = /^(upgrade|http2-settings)$/i;

/** Node has let go of the connection: it is given the request once more, without the offer. */
const serveAsItIs = (
  server: Server,
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
): void => {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    const rest = /^connection$/i.test(name) ? withoutUpgrade(value) : value;
    if (!hopHeaders.test(name) && rest !== '') lines.push(`${name}: ${rest}`);
  }
  const again = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]);
  socket.unshift(again);
  server.emit('connection', socket);
};

const withoutUpgrade = (connection: string): string =>
  connection
    .split(',')
    .map((option) => option.trim())
    .filter((option) => !hopHeaders.test(option))
    .join(', ');

import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes over the connection of a request that asks for another protocol. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Hands requests for a websocket over, at paths that begin with `prefix`. All other requests are served as if they had not
 * asked for an upgrade: many clients offer HTTP/2 in this way, and continue without it.
 */
export const takeUpgrades = (server: Server, prefix: string, take: Upgrade): void => {
  server.on('upgrade', (request, socket, head) => {
    const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
    if (isWebSocket && request.url?.startsWith(prefix)) return take(request, socket, head);
    serveAsItIs(server, { request, socket, head });
  });
};

const hopHeaders = /^(upgrade|http2-settings)$/i;

/** Gives the request to Node once more, without the upgrade, since Node has released the connection. */
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

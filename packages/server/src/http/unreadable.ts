import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { seconds, systemClock } from '../base/index.ts';
import { apiHeaders } from './headers.ts';

/** What Node found in a request that is none, or not yet. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const messages: Readonly<Record<number, string>> = {
  400: 'This is no request of HTTP/1.1.',
  408: 'The request did not come in time.',
  431: 'The headers, with the URL, are too large.',
};

/** The reply is on its way, and who still sends may find it; then the connection is of no use to anybody. */
const lingerMs = seconds(2);

/**
 * Refuses, on its connection, a request that could not be read: nothing after it could be either, so the reply says that
 * the connection ends, and it does.
 */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Socket): void => {
  // What still comes is no request either.
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(replyTo(error));
  const cancel = systemClock.after(lingerMs, () => socket.destroy());
  socket.once('close', cancel);
};

const replyTo = ({ code = '' }: NodeJS.ErrnoException): string => {
  const status = statuses[code] ?? 400;
  const body = JSON.stringify({
    error: STATUS_CODES[status],
    message: messages[status],
    statusCode: status,
  });
  const headers = {
    ...apiHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
};

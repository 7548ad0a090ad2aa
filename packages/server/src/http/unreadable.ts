import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { seconds, systemClock } from '../base/index.ts';
import { apiHeaders } from './headers.ts';

/** The status of the reply, by Node's error code; 400 for all others. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const messages: Readonly<Record<number, string>> = {
  400: 'This is not an HTTP/1.1 request.',
  408: 'The request did not arrive in time.',
  431: 'The headers, with the URL, are too large.',
};

/** How long the connection stays open after the reply, so that a caller that is still sending can read it. */
const lingerMs = seconds(2);

/**
 * Refuses a request that could not be parsed. Nothing after it on the connection could be parsed either, so the reply
 * says that the connection closes, and it is closed.
 */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Socket): void => {
  // What follows is not a request either.
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

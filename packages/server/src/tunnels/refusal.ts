import type { Duplex } from 'node:stream';
import { errorStatuses, RequestError } from '../base/index.ts';
import type { Context } from './context.ts';

/** Refuses a request for a websocket, by an ordinary reply. */
export const refuseUpgrade = (socket: Duplex, error: unknown, { log }: Pick<Context, 'log'>): void => {
  if (!(error instanceof RequestError)) log.error({ err: error }, 'a tunnel could not be opened');
  const refusal =
    error instanceof RequestError
      ? error
      : new RequestError('InternalServerError', 'Something went wrong inside the server.');
  const body = JSON.stringify({ code: refusal.code, message: refusal.message });
  const status = errorStatuses[refusal.code];
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
};

import type { MatrixRequest } from '../schema.ts';
import { callJson, Refusal, type Reply, type Sender, ToldToWait } from './sender.ts';

export interface MatrixSettings {
  /** Of the home server. */
  readonly url: string;
  readonly accessToken: string;
}

const isOk = ({ status }: Reply): boolean => status >= 200 && status < 300;
const isForbidden = ({ status, body }: Reply): boolean => status === 403 && body.errcode === 'M_FORBIDDEN';
// The operator has to replace a token that is no longer valid; the message can wait.
const isRefused = ({ status }: Reply): boolean =>
  status >= 400 && status < 500 && status !== 401 && status !== 408 && status !== 429;

/** The client API says in the body how long to wait, and newer servers in a header. */
const waitMsOf = ({ status, body, retryAfterMs }: Reply): number | undefined => {
  if (status !== 429) return undefined;
  return typeof body.retry_after_ms === 'number' ? Math.max(0, body.retry_after_ms) : retryAfterMs;
};

/** Sends messages to rooms by the client API. It joins a room that it was invited to with its first message. */
export const matrixSender = ({ url, accessToken: token }: MatrixSettings): Sender => {
  const room = (roomId: string) =>
    `${url.replace(/\/+$/, '')}/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
  return {
    send: async ({ key, address, message }) => {
      const { body, format, formattedBody, msgtype } = message as MatrixRequest;
      const content = { msgtype, body, format, formatted_body: formattedBody };
      const place = `${room(address)}/send/m.room.message/${encodeURIComponent(key)}`;
      const put = () => callJson(place, { method: 'PUT', token, body: content });
      let reply = await put();
      if (isForbidden(reply)) {
        const joined = await callJson(`${room(address)}/join`, { method: 'POST', token, body: {} });
        if (isOk(joined)) reply = await put();
      }
      if (isOk(reply)) return;
      const words = `The Matrix server answered ${reply.status} ${String(reply.body.errcode ?? '')}`.trim();
      const waitMs = waitMsOf(reply);
      if (waitMs !== undefined) throw new ToldToWait(words, waitMs);
      if (isForbidden(reply)) throw new Refusal(`${words}: its user must be invited to the room`);
      throw isRefused(reply) ? new Refusal(words) : new Error(words);
    },
  };
};

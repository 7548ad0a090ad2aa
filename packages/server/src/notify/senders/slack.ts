import type { SlackRequest } from '../schema.ts';
import { callJson, Refusal, type Sender, ToldToWait } from './sender.ts';

export interface SlackSettings {
  /** Of its web API. */
  readonly url: string;
  readonly accessToken: string;
}

// Slack is busy, or the operator has to mend the token: the message can wait. Any other error is about the message.
const passing = new Set([
  'account_inactive',
  'fatal_error',
  'internal_error',
  'invalid_auth',
  'missing_scope',
  'not_authed',
  'rate_limited',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
  'token_expired',
  'token_revoked',
]);

/** Sends messages to channels by the web API. */
export const slackSender = ({ url, accessToken: token }: SlackSettings): Sender => ({
  send: async ({ address, message }) => {
    const { text, blocks, attachments, unfurlLinks, unfurlMedia } = message as SlackRequest;
    const reply = await callJson(`${url.replace(/\/+$/, '')}/chat.postMessage`, {
      method: 'POST',
      token,
      body: {
        channel: address,
        text,
        blocks,
        attachments,
        unfurl_links: unfurlLinks,
        unfurl_media: unfurlMedia,
      },
    });
    if (reply.status === 200 && reply.body.ok === true) return;
    const error = String(reply.body.error ?? '');
    const words = `Slack answered ${reply.status} ${error}`.trim();
    if (reply.status === 429 && reply.retryAfterMs !== undefined) {
      throw new ToldToWait(words, reply.retryAfterMs);
    }
    throw reply.status === 200 && error !== '' && !passing.has(error) ? new Refusal(words) : new Error(words);
  },
});

import type { Transaction } from '../base/index.ts';
import type { Message } from './message.ts';
import * as store from './store.ts';

const textOf = (body: Message['body']): string => (typeof body === 'string' ? body : JSON.stringify(body));

/** Writes messages in the transaction of the change that they report. Followers read them in this order. */
export const append = async (tx: Transaction, messages: readonly Message[], now: Date): Promise<void> => {
  if (messages.length === 0) return;
  tx.hasNews();
  const columns = {
    exchanges: messages.map((message) => message.exchange),
    routingKeys: messages.map((message) => message.routingKey),
    routes: messages.map((message) => JSON.stringify(message.routes)),
    payloads: messages.map((message) => textOf(message.body)),
  };
  await store.insertMessages(tx, columns, now);
};

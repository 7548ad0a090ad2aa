import type { Database } from '../base/index.ts';

/** A message as it is in the outbox, its body parsed. */
export interface SentMessage {
  readonly id: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly routes: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

/** All messages that were written after the one with id `after`, in order. */
export const messagesIn = async (db: Database, after = 0): Promise<SentMessage[]> => {
  const rows = await db<Omit<SentMessage, 'body'> & { payload: string }>`
    select id, exchange, routing_key, routes, payload from outbox where id > ${after} order by id`;
  return rows.map(({ payload, ...row }) => ({ ...row, body: JSON.parse(payload) as SentMessage['body'] }));
};

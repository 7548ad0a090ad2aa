import type { Readable } from 'node:stream';
import { bindQueries, type Sql, transact } from '../base/index.ts';
import type { Reply } from '../http/index.ts';
import type { Context } from './context.ts';
import { adoptMessages, isFromElsewhere } from './store.ts';
import { openStream, type StreamRequest } from './stream.ts';
import { readStates } from './subscriptions/index.ts';

/**
 * Prepares messages to be read: adopts those from a dump of another server, and gives new subscriptions their place.
 */
export const startReading = async (context: Context): Promise<void> => {
  if (await isFromElsewhere(context.db)) await transact(context, adoptMessages);
  await context.subscriptions.start();
};

/** Opens a stream of messages, and counts it until it ends. Refuses it when the client has too many. */
const openCounted = async (context: Context, request: StreamRequest): Promise<Reply> => {
  const leave = context.streams.enter(request.clientId);
  try {
    const reply = await openStream(context, request);
    (reply.body as Readable).once('close', leave);
    return reply;
  } catch (error) {
    leave();
    throw error;
  }
};

const queries = {
  /** How far each subscription has come. */
  readSubscriptions: (sql: Sql) => readStates(sql),
};

/** The verbs of events, all of which read. Messages are written by `outbox.append`, in the transaction of their change. */
export const eventVerbs = (context: Context) => {
  const { relay, streams } = context;
  return {
    ...bindQueries(context, queries),
    openStream: (request: StreamRequest) => openCounted(context, request),
    /** How many streams this process has open. */
    followers: () => streams.total,
    /** How far publishing to the broker lags behind; undefined where this process does not publish. */
    readLag: relay && (() => relay.readLag()),
  };
};

export type EventVerbs = ReturnType<typeof eventVerbs>;

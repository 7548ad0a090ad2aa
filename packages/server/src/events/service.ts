import type { Readable } from 'node:stream';
import { transact } from '../base/index.ts';
import type { Reply } from '../http/index.ts';
import type { Context } from './context.ts';
import { adoptMessages, isFromElsewhere } from './store.ts';
import { openStream, type StreamRequest } from './stream.ts';

/**
 * Makes messages ready to be read: takes over those that came with a dump of another server, and gives new
 * subscriptions their place.
 */
export const startReading = async (context: Context): Promise<void> => {
  if (await isFromElsewhere(context.db)) await transact(context, adoptMessages);
  await context.subscriptions.start();
};

/** Opens a stream of messages, and counts it until it ends. Refused when the client has too many. */
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

/** The verbs of events. What is written goes through `outbox.append`, in the transaction of the change that it reports. */
export const eventVerbs = (context: Context) => {
  const { relay, streams, subscriptions } = context;
  return {
    openStream: (request: StreamRequest) => openCounted(context, request),
    /** How many streams this process has open. */
    followers: () => streams.total,
    /** How far publishing to the broker lags behind; undefined where this process does not publish. */
    readLag: relay && (() => relay.readLag()),
    /** How far subscriptions have come. */
    readSubscriptions: () => subscriptions.readStates(),
  };
};

export type EventVerbs = ReturnType<typeof eventVerbs>;

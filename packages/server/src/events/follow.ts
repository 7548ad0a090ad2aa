import { type Clock, type Database, RequestError, type Signal, seconds } from '../base/index.ts';
import { endAfter } from './snapshot.ts';
import * as store from './store.ts';

/** A place in the stream of messages: between two snapshots of the database, after one of the messages between them. */
export interface Position {
  readonly since: string;
  readonly until: string;
  readonly afterId: number;
}

export interface FollowedMessage extends store.StoredMessage {
  /** The place after this message. */
  readonly position: Position;
}

/** Reads the outbox for all followers of this process. */
export interface Follower {
  /** The place after everything that is committed now. */
  now(): Promise<Position>;
  /**
   * Every message after a place, in order, without end; stops when the signal aborts. Rejects with 410
   * `ResourceExpired`, before the first page, when messages after the place have been deleted.
   */
  follow(from: Position, stop: AbortSignal): Promise<AsyncGenerator<FollowedMessage[]>>;
}

export interface FollowerContext {
  readonly db: Database;
  readonly clock: Clock;
  /** Woken after commits that added messages. */
  readonly changed: Signal;
}

const pageSize = 500;
// The longest delay of messages when a wake-up of another process is lost.
const lookAtLeastEveryMs = seconds(2);

/** The place after everything that is visible in a snapshot. */
export const startAt = (snapshot: string): Position => ({ since: snapshot, until: snapshot, afterId: 0 });

/** A place as text, for `Last-Event-ID`. */
export const positionText = ({ since, until, afterId }: Position): string => `${since}~${until}~${afterId}`;

const snapshotPattern = /^\d{1,20}:\d{1,20}:(\d{1,20}(,\d{1,20})*)?$/;

/** Parses a place; refuses any other text. */
export const positionIn = (text: string): Position => {
  const [since = '', until = '', afterId = ''] = text.split('~');
  if (!snapshotPattern.test(since) || !snapshotPattern.test(until) || !/^\d{1,15}$/.test(afterId)) {
    throw new RequestError('InputError', `'${text}' is not the id of an event of this stream.`);
  }
  return { since, until, afterId: Number(afterId) };
};

/** Where reading continues after a place that was issued before; refuses one whose messages have been deleted. */
const checkPlace = async (db: Database, from: Position): Promise<Position> => {
  const { isTrimmed, lastXid } = await store.readPlaceFacts(db, from.since);
  if (isTrimmed) {
    throw new RequestError('ResourceExpired', 'Some messages after that event have already been deleted.');
  }
  // Earlier versions issued places that ended later than that.
  return { ...from, since: endAfter(from.since, lastXid), until: endAfter(from.until, lastXid) };
};

/**
 * A reader of the outbox. A step is the difference of two snapshots: the messages that became visible between them, in the
 * order of ids. A change that saw another one never becomes visible before it, so the messages of a task stay in order. A
 * transaction that commits late is part of a later step and is not skipped. A snapshot ends after the last committed
 * message, since PostgreSQL reuses the ids of rolled back transactions after a crash.
 */
export const createFollower = ({ db, clock, changed }: FollowerContext): Follower => {
  const shared = { step: undefined as Promise<string> | undefined };

  // Followers that wait at the same time share one read of the current snapshot.
  const snapshot = (): Promise<string> => {
    shared.step ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      shared.step = undefined;
      return store.currentSnapshot(db);
    });
    return shared.step;
  };

  // Followers at the same place share one query.
  const reading = new Map<string, Promise<store.StoredMessage[]>>();
  const read = (position: Position): Promise<store.StoredMessage[]> => {
    const key = positionText(position);
    const page =
      reading.get(key) ??
      store.messagesBetween(db, { ...position, limit: pageSize }).finally(() => reading.delete(key));
    reading.set(key, page);
    return page;
  };

  async function* pages(from: Position): AsyncGenerator<FollowedMessage[], void> {
    let position = from;
    for (;;) {
      const messages = await read(position);
      const isEnd = messages.length < pageSize;
      const last = messages.at(-1)?.id ?? 0;
      // After its last message a step is complete, so a place there stays valid when its messages are deleted.
      const placeAfter = (id: number) =>
        isEnd && id === last ? startAt(from.until) : { ...from, afterId: id };
      if (messages.length > 0) {
        yield messages.map((message) => ({ ...message, position: placeAfter(message.id) }));
      }
      if (isEnd) return;
      position = { ...from, afterId: last };
    }
  }

  async function* endlessly(from: Position, stop: AbortSignal): AsyncGenerator<FollowedMessage[]> {
    yield* pages(from);
    let since = from.until;
    while (!stop.aborted) {
      const waited = new AbortController();
      const stopListening = changed.each(() => waited.abort());
      try {
        const until = await snapshot();
        if (until !== since) yield* pages({ since, until, afterId: 0 });
        since = until;
        await clock.sleep(lookAtLeastEveryMs, AbortSignal.any([waited.signal, stop]));
      } finally {
        stopListening();
      }
    }
  }

  return {
    now: async () => startAt(await snapshot()),
    follow: async (from, stop) => endlessly(await checkPlace(db, from), stop),
  };
};

import { type Clock, type Database, RequestError, type Signal, seconds } from '../base/index.ts';
import { endAfter } from './snapshot.ts';
import * as store from './store.ts';

/** A place in the stream of messages: between two snapshots of the database, after one of the messages there. */
export interface Position {
  readonly since: string;
  readonly until: string;
  readonly afterId: number;
}

export interface FollowedMessage extends store.StoredMessage {
  /** Where to go on after this message. */
  readonly position: Position;
}

/** Reads the outbox for all followers of this process. */
export interface Follower {
  /** The place after everything that is committed now. */
  now(): Promise<Position>;
  /** Every message after a place, in order, without end; stops when the signal aborts. */
  follow(from: Position, stop: AbortSignal): AsyncGenerator<FollowedMessage[]>;
}

export interface FollowerContext {
  readonly db: Database;
  readonly clock: Clock;
  /** Woken after commits that added messages. */
  readonly changed: Signal;
}

const pageSize = 500;
// A wake-up of another process may get lost; then messages are late by this much.
const lookAtLeastEveryMs = seconds(2);

/** The place after everything that a snapshot shows. */
export const startAt = (snapshot: string): Position => ({ since: snapshot, until: snapshot, afterId: 0 });

/** A place as text, for `Last-Event-ID`. */
export const positionText = ({ since, until, afterId }: Position): string => `${since}~${until}~${afterId}`;

const snapshotPattern = /^\d{1,20}:\d{1,20}:(\d{1,20}(,\d{1,20})*)?$/;

/** The place that a text names; anything else is refused. */
export const positionIn = (text: string): Position => {
  const [since = '', until = '', afterId = ''] = text.split('~');
  if (!snapshotPattern.test(since) || !snapshotPattern.test(until) || !/^\d{1,15}$/.test(afterId)) {
    throw new RequestError('InputError', `'${text}' is not the id of an event of this stream.`);
  }
  return { since, until, afterId: Number(afterId) };
};

/**
 * A reader of the outbox. A step forward is the difference of two snapshots: whatever became visible between them,
 * in the order of ids. Since a change that sees another is never visible without it, the messages of one task stay in
 * order, and a transaction that commits late is part of a later step instead of being skipped. A snapshot ends after the
 * last committed message, since ids of transactions that were rolled back are used again after a crash.
 */
export const createFollower = ({ db, clock, changed }: FollowerContext): Follower => {
  const shared = { step: undefined as Promise<string> | undefined };

  // Followers that wait at the same time share one look at the clock of the database.
  const snapshot = (): Promise<string> => {
    shared.step ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      shared.step = undefined;
      return store.currentSnapshot(db);
    });
    return shared.step;
  };

  // Followers that are equally far read the same: one query serves them all.
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
      // After its last message a step is over: a place there outlives the messages of the step.
      const placeAfter = (id: number) =>
        isEnd && id === last ? startAt(from.until) : { ...from, afterId: id };
      if (messages.length > 0) {
        yield messages.map((message) => ({ ...message, position: placeAfter(message.id) }));
      }
      if (isEnd) return;
      position = { ...from, afterId: last };
    }
  }

  return {
    now: async () => startAt(await snapshot()),
    follow: async function* (from, stop) {
      const { isTrimmed, lastXid } = await store.readPlaceFacts(db, from.since);
      if (isTrimmed) {
        throw new RequestError(
          'ResourceExpired',
          'Messages from after that event have been deleted already.',
        );
      }
      // Earlier versions handed out places that ended later than that.
      const start = { ...from, since: endAfter(from.since, lastXid), until: endAfter(from.until, lastXid) };
      yield* pages(start);
      let since = start.until;
      while (!stop.aborted) {
        const waited = new AbortController();
        const woken = changed.next().then(() => waited.abort());
        const until = await snapshot();
        if (until !== since) yield* pages({ since, until, afterId: 0 });
        since = until;
        const wait = AbortSignal.any([waited.signal, stop]);
        await Promise.race([woken, clock.sleep(lookAtLeastEveryMs, wait)]);
        waited.abort();
      }
    },
  };
};

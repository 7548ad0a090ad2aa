import type { Span, Tracing } from '@taskyard/tracing';
import { type Clock, systemClock } from './clock.ts';
import type { Database, Sql, Transaction } from './database.ts';
import { BrokenTransaction, isConnectionLoss, isTransient } from './database-errors.ts';
import { inDatabaseSpan } from './database-spans.ts';
import { RequestError } from './errors.ts';
import { createGathering } from './gathering.ts';
import type { Logger } from './log.ts';
import type { Turns } from './turns.ts';

/** The result for one element of a set: its value, or why it is refused. */
export type Answer<T> = T | RequestError;

/** The value of an answer; throws the refusal. */
export const settled = <T>(answer: Answer<T>): T => {
  if (answer instanceof RequestError) throw answer;
  return answer;
};

/** What a verb is given besides its items. */
export interface Work<C> {
  /** The time of the transaction. */
  readonly now: Date;
  /** What the verb's domain was opened with. It lives as long as the process. */
  readonly context: C;
}

/** A verb over a set: one transaction, one answer for each item, in order. */
export type Verb<In, Out, C> = (
  tx: Transaction,
  items: readonly In[],
  work: Work<C>,
) => Promise<Answer<Out>[]>;

/** A verb that only reads, by one statement. */
export type ReadVerb<In, Out, C> = (sql: Sql, items: readonly In[], work: Work<C>) => Promise<Answer<Out>[]>;

/** A verb whose simultaneous calls share a transaction. */
export interface Batched<In, Out> {
  /** One item; resolves after the commit. */
  one(item: In): Promise<Out>;
  /** Several items, in one or more batches; each with its own answer. */
  all(items: readonly In[]): Promise<Answer<Out>[]>;
}

/** What every domain is opened with. Its own `Context` adds what it alone needs. */
export interface BaseContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observeBatch?: ObserveBatch | undefined;
  /** Present where traces are exported. */
  readonly tracing?: Tracing | undefined;
  /** Batches that write wait for their turn. Calls keep joining them meanwhile. */
  readonly turns?: Turns | undefined;
}

/** Called after every batch, also a failed one, with its number of items and its duration. */
export type ObserveBatch = (verb: string, batch: { items: number; seconds: number }) => void;

export interface BatchLimits<In> {
  /** The largest number of items in a batch. */
  readonly rowsMax?: number;
  /** The largest size of a batch in bytes, as `bytesOf` measures them. A larger item is a batch of its own. */
  readonly bytesMax?: number;
  readonly bytesOf?: (item: In) => number;
}

interface Waiting<In, Out> {
  readonly caller: Span | undefined;
  readonly bytes: number;
  readonly item: In;
  resolve(answer: Out): void;
  reject(error: unknown): void;
}

const attemptsMax = 5;

/** Whether nothing has happened and a second attempt may succeed. */
const mayRepeat = (error: unknown): boolean =>
  isTransient(error) || (error instanceof BrokenTransaction && error.effect === 'none');

/**
 * Runs a transaction. It is repeated when PostgreSQL aborted it because of another one, or when its connection broke before
 * the commit was sent. When the connection broke later, the outcome is unknown: the error goes to the caller.
 */
export const transact = async <T>(
  context: BaseContext,
  run: (tx: Transaction, now: Date) => Promise<T>,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await context.db.transaction((tx) => run(tx, context.clock.now()));
    } catch (error) {
      if (!mayRepeat(error) || attempt === attemptsMax) throw error;
      context.log.debug({ attempt, err: error }, 'a transaction is repeated');
    }
  }
};

/**
 * Batches the calls of a verb: calls that arrive while a batch is in flight form the next one, in the order of their
 * arrival. Callers whose batch has just ended get two milliseconds to call again (`Gathering`); a lone call waits only for
 * its turn. When a batch fails as a whole, its items are tried one by one, so that a bad one does not affect the others.
 * When the connection broke, all items fail instead: no item caused that, all of them may have taken effect, and each
 * caller knows best whether to repeat its call.
 */
export const batched = <In, Out, C extends BaseContext>(
  context: C,
  name: string,
  verb: Verb<In, Out, C>,
  limits: BatchLimits<In> = {},
): Batched<In, Out> =>
  gathered(
    context,
    name,
    (items) => transact(context, (tx, now) => verb(tx, items, { now, context })),
    limits,
  );

/** The same for verbs that only read, by one statement, without a transaction around it. They take no turn from writers. */
export const batchedRead = <In, Out, C extends BaseContext>(
  context: C,
  name: string,
  read: ReadVerb<In, Out, C>,
  limits: BatchLimits<In> = {},
): Batched<In, Out> =>
  gathered(
    { ...context, turns: undefined },
    name,
    (items) => read(context.db, items, { now: context.clock.now(), context }),
    limits,
  );

const gathered = <In, Out>(
  { log, observeBatch, turns, tracing }: BaseContext,
  name: string,
  runOnce: (items: In[]) => Promise<Answer<Out>[]>,
  { rowsMax = 500, bytesMax = 8 * 2 ** 20, bytesOf = () => 0 }: BatchLimits<In>,
): Batched<In, Out> => {
  let waiting: Waiting<In, Out>[] = [];
  let running = false;
  const gathering = createGathering(systemClock);

  const take = (): Waiting<In, Out>[] => {
    let bytes = 0;
    let count = 0;
    for (const call of waiting) {
      bytes += call.bytes;
      if (count > 0 && (count >= rowsMax || bytes > bytesMax)) break;
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  };

  const run = async (batch: Waiting<In, Out>[]): Promise<void> => {
    const started = performance.now();
    const observe = () =>
      observeBatch?.(name, { items: batch.length, seconds: (performance.now() - started) / 1000 });
    try {
      const once = () => runOnce(batch.map((call) => call.item));
      settle(batch, await inDatabaseSpan(tracing, { name, callers: batch }, once).finally(observe));
    } catch (error) {
      if (batch.length === 1 || isConnectionLoss(error)) {
        for (const call of batch) call.reject(error);
        return;
      }
      log.warn(
        { verb: name, items: batch.length, err: error },
        'batch failed; its items are tried one by one',
      );
      for (const call of batch) await run([call]);
    }
  };

  /** Never rejects, since no caller awaits it: errors reject the calls that they concern. */
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      let batch: Waiting<In, Out>[] = [];
      try {
        // Who waits for a turn gathers meanwhile.
        if (!turns?.isTaken()) await gathering.wait(waiting.length);
        const endTurn = await turns?.take();
        batch = take();
        await run(batch).finally(endTurn);
        gathering.ended(batch.length + waiting.length);
      } catch (error) {
        // Rejecting a call that already has its result changes nothing.
        for (const call of batch.length > 0 ? batch : waiting.splice(0)) call.reject(error);
      }
    }
    running = false;
  };

  const one = (item: In): Promise<Out> =>
    new Promise((resolve, reject) => {
      // An item whose size cannot be computed fails here, alone, and not in the batch.
      waiting.push({ caller: tracing?.current(), item, bytes: bytesOf(item), resolve, reject });
      gathering.arrived(waiting.length);
      if (running) return;
      running = true;
      // Requests that were read from the network in the same turn of the event loop share a batch.
      setImmediate(() => void drain());
    });

  return { one, all: (items) => Promise.all(items.map((item) => one(item).catch(refusalOf))) };
};

const settle = <In, Out>(batch: Waiting<In, Out>[], answers: Answer<Out>[]): void => {
  if (answers.length !== batch.length)
    throw new Error(`A verb over ${batch.length} items gave ${answers.length} answers.`);
  batch.forEach((call, i) => {
    const answer = answers[i] as Answer<Out>;
    if (answer instanceof RequestError) call.reject(answer);
    else call.resolve(answer);
  });
};

/** Returns a refusal, and throws any other error. */
export const refusalOf = (error: unknown): RequestError => {
  if (error instanceof RequestError) return error;
  throw error;
};

/** The result of `run`, or the refusal that it throws. */
export const answerOf = <T>(run: () => T): Answer<T> => {
  try {
    return run();
  } catch (error) {
    return refusalOf(error);
  }
};

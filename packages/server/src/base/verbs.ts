import {
  type BaseContext,
  type Batched,
  type BatchLimits,
  batched,
  batchedRead,
  type ReadVerb,
  refusalOf,
  settled,
  transact,
  type Verb,
  type Work,
} from './batch.ts';
import type { Sql, Transaction } from './database.ts';
import { inOwnDatabaseSpan } from './database-spans.ts';

/** A verb, and how its calls are batched. Made by {@link inBatches}, {@link inReads} and {@link alone}. */
export interface Bindable<In, Out, C> {
  bind(context: C & BaseContext, name: string): Batched<In, Out>;
}

/** Calls that arrive at the same time share a transaction. */
export const inBatches = <In, Out, C>(
  verb: Verb<In, Out, C>,
  limits: BatchLimits<In> = {},
): Bindable<In, Out, C> => ({ bind: (context, name) => batched(context, name, verb, limits) });

/** Calls that arrive at the same time share a statement, which only reads. */
export const inReads = <In, Out, C>(
  verb: ReadVerb<In, Out, C>,
  limits: BatchLimits<In> = {},
): Bindable<In, Out, C> => ({ bind: (context, name) => batchedRead(context, name, verb, limits) });

/** What a verb does with one thing. What it throws rolls back the whole transaction. */
export type Change<In, Out, C> = (tx: Transaction, item: In, work: Work<C>) => Promise<Out>;

/** Makes a verb of a change that happens rarely. It handles one thing after the other: bind it by {@link alone}. */
export const oneByOne =
  <In, Out, C>(change: Change<In, Out, C>): Verb<In, Out, C> =>
  async (tx, items, work) => {
    const answers: Out[] = [];
    for (const item of items) answers.push(await change(tx, item, work));
    return answers;
  };

/** Each call has a transaction of its own, since it does much, or all or nothing. */
export const alone = <In, Out, C>(verb: Verb<In, Out, C>): Bindable<In, Out, C> => ({
  bind: (context, name) => {
    const one = async (item: In): Promise<Out> => {
      const [answer] = await inOwnDatabaseSpan(context.tracing, name, () =>
        transact(context, (tx, now) => verb(tx, [item], { now, context })),
      );
      return settled(answer as Awaited<ReturnType<typeof verb>>[number]);
    };
    return { one, all: (items) => Promise.all(items.map((item) => one(item).catch(refusalOf))) };
  },
});

type Bound<Verbs> = {
  readonly [Name in keyof Verbs]: Verbs[Name] extends Bindable<infer In, infer Out, never>
    ? Batched<In, Out>
    : never;
};

/** `createTasks` is measured as `create-tasks`. */
const measuredAs = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * Binds a domain's verbs to what it was opened with. Each becomes `one` for a single item and `all` for several; both
 * resolve after the commit.
 */
export const bindVerbs = <C extends BaseContext, Verbs extends Record<string, Bindable<never, unknown, C>>>(
  context: C,
  verbs: Verbs,
): Bound<Verbs> =>
  Object.fromEntries(
    Object.entries(verbs).map(([name, verb]) => [name, verb.bind(context, measuredAs(name))]),
  ) as Bound<Verbs>;

/** A read of one thing or one page, by one or a few statements. `asked` is undefined for a query without arguments. */
export type Query<In, Out, C> = (sql: Sql, asked: In, work: Work<C>) => Promise<Out>;

type Asked<Queries> = {
  readonly [Name in keyof Queries]: Queries[Name] extends (
    sql: Sql,
    ...rest: infer Rest
  ) => Promise<infer Out>
    ? Rest extends [infer In, ...unknown[]]
      ? [In] extends [undefined]
        ? () => Promise<Out>
        : (asked: In) => Promise<Out>
      : () => Promise<Out>
    : never;
};

/** Binds a domain's queries to what it was opened with. */
export const bindQueries = <C extends BaseContext, Queries extends Record<string, Query<never, unknown, C>>>(
  context: C,
  queries: Queries,
): Asked<Queries> =>
  Object.fromEntries(
    Object.entries(queries).map(([name, query]) => {
      const spanName = measuredAs(name);
      const run = (asked: never) => query(context.db, asked, { now: context.clock.now(), context });
      return [name, (asked: never) => inOwnDatabaseSpan(context.tracing, spanName, () => run(asked))];
    }),
  ) as Asked<Queries>;

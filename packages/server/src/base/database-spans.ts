import { type Span, type Tracing, traced } from '@taskyard/tracing';

/** One who waits for a transaction, with the span that it waits in. */
export interface Caller {
  readonly caller: Span | undefined;
}

/**
 * Runs a transaction, or a reading statement, in a span of its own: below that of its first caller whose trace is
 * exported, with links to all when there are several. What no traced call has caused gets none, such as a step of a loop.
 */
export const inDatabaseSpan = <T>(
  tracing: Tracing | undefined,
  { name, callers }: { readonly name: string; readonly callers: readonly Caller[] },
  run: () => Promise<T>,
): Promise<T> => {
  if (!tracing) return run();
  const spans = callers.flatMap(({ caller }) => caller ?? []);
  const parent = spans.find(({ isSampled }) => isSampled) ?? spans[0];
  // Not in the span of the call that happened to begin the batch.
  if (!parent) return tracing.within(undefined, run);
  const attributes = {
    'db.system.name': 'postgresql',
    'db.operation.name': name,
    'db.operation.batch.size': callers.length > 1 ? callers.length : undefined,
  };
  const links = callers.length > 1 ? spans : [];
  return traced(tracing, name, { kind: 'client', parent, links, attributes }, run);
};

/** The same for a transaction or a read of one call, which waits in the current span. */
export const inOwnDatabaseSpan = <T>(
  tracing: Tracing | undefined,
  name: string,
  run: () => Promise<T>,
): Promise<T> =>
  tracing ? inDatabaseSpan(tracing, { name, callers: [{ caller: tracing.current() }] }, run) : run();

import type { Loop } from '../base/index.ts';
import { seconds, transact } from '../base/index.ts';
import { type Binding, matcher, type Subscription } from '../events/index.ts';
import { BindingErrors } from './binding-errors.ts';
import type { Context } from './context.ts';
import { ForeignExchanges, type ForeignMessage } from './foreign-exchanges.ts';
import type { Bindings } from './schema.ts';
import { keepMessages } from './service/index.ts';
import type { HookRef } from './store.ts';
import * as store from './store.ts';

interface Bound {
  readonly hook: HookRef;
  readonly bindings: readonly Binding[];
  readonly matches: ReturnType<typeof matcher>;
}

/** The bindings of all hooks, as this process knows them. */
export interface HookSubscription extends Subscription {
  /** Learns the bindings; to be awaited before messages are read. */
  start(): Promise<void>;
  /** Learns them again when hooks have changed, and listens to exchanges of other programs. */
  readonly loop: Loop;
  close(): Promise<void>;
}

const standardPrefix = 'exchange/taskcluster-';
/** Whether it is one of ours: what is published there is read from the database, with a broker or without. */
const isOurs = ({ exchange }: Binding): boolean => exchange.startsWith(standardPrefix) || exchange === '#';

/**
 * Keeps messages for hooks whose bindings they fit. As in the original a binding takes hold some moments after the
 * hook was changed: when the processes that read messages have heard of it.
 */
export const hookSubscription = (context: Context): HookSubscription => {
  let bindings: readonly Binding[] = [];
  let bound: readonly Bound[] = [];
  const errors = new BindingErrors(context);
  const { amqpUrl: url, clock, log, exchangePrefix } = context;
  const foreign = url
    ? new ForeignExchanges({
        url,
        clock,
        log,
        keep: (message) => keepForeign(context, bound, message),
        note: (exchange, error) => errors.note(exchange, error),
      })
    : undefined;
  const learn = async (): Promise<void> => {
    const rows = await store.readBound(context.db);
    bound = rows.map(({ hookGroupId, hookId, bindings: text }): Bound => {
      const own = (JSON.parse(text) as Bindings).map((binding) => asPublished(binding, exchangePrefix));
      return { hook: { hookGroupId, hookId }, bindings: own, matches: matcher(own) };
    });
    bindings = bound.flatMap(({ bindings: own }) => own.filter(isOurs));
  };
  return {
    name: 'hooks',
    bindings: () => bindings,
    handle: (tx, messages) => {
      const deliveries = messages.map((message) => ({
        message,
        hooks: bound.filter(({ matches }) => matches(message)).map(({ hook }) => hook),
      }));
      return keepMessages(context, tx, deliveries);
    },
    start: learn,
    loop: {
      name: 'learn-bindings-of-hooks',
      everyMs: seconds(10),
      limit: 1,
      wakeBy: context.changed,
      step: async () => {
        await learn();
        const others = bound.flatMap(({ bindings: own }) => own.filter((one) => !isOurs(one)));
        await errors.begin();
        if (foreign) await foreign.listen(others);
        else for (const { exchange } of others) await errors.note(exchange, noBroker);
        return 0;
      },
    },
    close: async () => foreign?.close(),
  };
};

const noBroker = 'No message broker is configured (AMQP_URL).';

/** Keeps a message of another program for the hooks whose bindings it fits. */
const keepForeign = async (
  context: Context,
  bound: readonly Bound[],
  { exchange, routingKeys, body }: ForeignMessage,
): Promise<void> => {
  const hooks = bound
    .filter(({ matches }) => routingKeys.some((routingKey) => matches({ exchange, routingKey, routes: [] })))
    .map(({ hook }) => hook);
  if (hooks.length === 0) return;
  await transact(context, (tx) => keepMessages(context, tx, [{ message: { body }, hooks }]));
};

/** Our messages are kept under the standard names; on the broker they may have others, by which hooks are bound. */
const asPublished = ({ exchange, routingKeyPattern }: Binding, prefix: string): Binding => ({
  exchange: exchange.startsWith(prefix) ? standardPrefix + exchange.slice(prefix.length) : exchange,
  routingKeyPattern,
});

import type { Loop } from '../base/index.ts';
import { minutes } from '../base/index.ts';
import { type Binding, matcher, type Subscription } from '../events/index.ts';
import type { Context } from './context.ts';
import type { Bindings } from './schema.ts';
import { keepMessages } from './service/index.ts';
import type { HookRef } from './store.ts';
import * as store from './store.ts';

interface Bound {
  readonly hook: HookRef;
  readonly matches: ReturnType<typeof matcher>;
}

/** The bindings of all hooks, as this process knows them. */
export interface HookSubscription extends Subscription {
  /** Learns the bindings; to be awaited before messages are read. */
  start(): Promise<void>;
  /** Learns them again when hooks have changed. */
  readonly loop: Loop;
}

const standardPrefix = 'exchange/taskcluster-';

/**
 * Keeps messages for hooks whose bindings they fit. As in the original a binding takes hold some moments after the
 * hook was changed: when the processes that read messages have heard of it.
 */
export const hookSubscription = (context: Context): HookSubscription => {
  let bindings: readonly Binding[] = [];
  let bound: readonly Bound[] = [];
  const learn = async (): Promise<number> => {
    const rows = await store.readBound(context.db);
    const all = rows.map(({ hookGroupId, hookId, bindings: text }) => ({
      hook: { hookGroupId, hookId },
      bindings: (JSON.parse(text) as Bindings).map((binding) => asPublished(binding, context.exchangePrefix)),
    }));
    bound = all.map(({ hook, bindings: own }) => ({ hook, matches: matcher(own) }));
    bindings = all.flatMap(({ bindings: own }) => own);
    return 0;
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
    start: async () => {
      await learn();
    },
    loop: {
      name: 'learn-bindings-of-hooks',
      everyMs: minutes(1),
      limit: 1,
      wakeBy: context.changed,
      step: learn,
    },
  };
};

/** Our messages are kept under the standard names; on the broker they may have others, by which hooks are bound. */
const asPublished = ({ exchange, routingKeyPattern }: Binding, prefix: string): Binding => ({
  exchange: exchange.startsWith(prefix) ? standardPrefix + exchange.slice(prefix.length) : exchange,
  routingKeyPattern,
});

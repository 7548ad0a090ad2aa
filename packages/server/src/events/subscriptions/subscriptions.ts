import {
  type Clock,
  type Database,
  isConnectionLoss,
  isTransient,
  type Logger,
  type Loop,
  later,
  type Signal,
  seconds,
  type Transaction,
  transact,
} from '../../base/index.ts';
import { createAlarm } from '../alarm.ts';
import { startAt } from '../follow.ts';
import { currentSnapshot, messagesBetween, type StoredMessage } from '../store.ts';
import { remedyFor } from './failure.ts';
import * as store from './store.ts';
import { type Subscription, type Wanted, wantedOf } from './wanted.ts';
import { createWatch, type Watcher } from './watch.ts';

export interface SubscriptionDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** Woken after commits that added messages. */
  readonly changed: Signal;
}

/** The consumers of messages inside the platform. */
export interface Subscriptions {
  /** Looks for new messages on behalf of all. */
  readonly watchLoop: Loop;
  /** To be called before `start`. The loop hands messages over, page by page. */
  subscribe(subscription: Subscription): Loop;
  /** Gives new subscriptions their place. */
  start(): Promise<void>;
  readStates(): Promise<store.SubscriptionState[]>;
  close(): void;
}

const pageSizeMax = 500;
// Whoever wants nothing of what is new is not woken; it moves on so often all the same, for the sake of the next look.
const moveAtLeastEveryMs = seconds(5);

export const createSubscriptions = (deps: SubscriptionDeps): Subscriptions => {
  const watchers: Watcher[] = [];
  const names: string[] = [];
  const endings: (() => void)[] = [];
  const watch = createWatch({ ...deps, watchers });
  return {
    watchLoop: watch.loop,
    subscribe: (subscription) => {
      const { loop, watcher, close } = createConsumer(deps, subscription);
      names.push(subscription.name);
      watchers.push(watcher);
      endings.push(close);
      return loop;
    },
    start: () => store.begin(deps.db, names),
    readStates: () => store.readStates(deps.db),
    close: () => {
      watch.close();
      for (const end of endings) end();
    },
  };
};

/** Some messages at a place, and where to go on after them. */
interface Page {
  readonly place: store.Place;
  readonly messages: readonly StoredMessage[];
  readonly next: Omit<store.Move, 'skipped'>;
  /** There may be more messages behind this page. */
  readonly hasMore: boolean;
}

interface Want {
  readonly wanted: Wanted;
  readonly limit: number;
}

/** The next page of what is wanted: as many messages as may be, or one, when they go one by one. */
const readPage = async (tx: Transaction, place: store.Place, { wanted, limit }: Want): Promise<Page> => {
  const { since, afterId } = place;
  const until = place.until === since ? await currentSnapshot(tx) : place.until;
  const { exchanges, isRouted } = wanted;
  const read = await messagesBetween(tx, { since, until, afterId, limit, exchanges, isRouted });
  const matching = read.filter(wanted.matches);
  const messages = place.singly > 0 ? matching.slice(0, 1) : matching;
  // Whatever does not fit is passed by.
  const last = messages.length < matching.length ? messages.at(-1) : read.at(-1);
  const isEnd = read.length < limit && last?.id === read.at(-1)?.id;
  const position = isEnd ? startAt(until) : { since, until, afterId: last?.id ?? afterId };
  const singly = Math.max(0, place.singly - messages.length);
  return { place, messages, next: { ...position, singly }, hasMore: !isEnd };
};

/** The messages are not to blame when the database has no room left, takes no writes or has gone. */
const isNobodysFault = (error: unknown): boolean =>
  isConnectionLoss(error) ||
  isTransient(error) ||
  /^(53|58|25006)/.test(String((error as { code?: unknown })?.code ?? ''));

const createConsumer = (deps: SubscriptionDeps, subscription: Subscription) => {
  const { db, clock, log } = deps;
  const { name } = subscription;
  const wanted = wantedOf(subscription);
  const alarm = createAlarm(clock);

  /** Handles a page under the lock on the place, and moves it; tells `onPage` what it is about to handle. */
  const handlePage = (limit: number, onPage: (page: Page) => void): Promise<boolean> =>
    transact(deps, async (tx, now) => {
      const place = await store.lockPlace(tx, name, now);
      if (!place) return false;
      const page = await readPage(tx, place, { wanted: wanted(), limit });
      if (page.messages.length > 0) {
        onPage(page);
        await subscription.handle(tx, page.messages.map(received));
      }
      tx.last(store.movePlace(tx, name, { ...page.next, skipped: 0 }));
      return page.hasMore;
    });

  /** Moves on from where handling failed, unless somebody else has done so meanwhile; says whether it did. */
  const moveFrom = (place: store.Place, move: store.Move): Promise<boolean> =>
    db.transaction(async (tx) => {
      const current = await store.lockPlace(tx, name, clock.now());
      if (!current || !isSame(current, place)) return false;
      await store.movePlace(tx, name, move);
      return true;
    });

  /** Decides about a page that failed; says whether there is something to do at once. */
  const recover = async (page: Page, err: unknown): Promise<boolean> => {
    const { place, messages, next } = page;
    const facts = { subscription: name, messages: messages.length, attempts: place.attempts + 1, err };
    const remedy = remedyFor({ attempts: place.attempts, isSingle: messages.length === 1 });
    if (remedy.kind === 'pass over') {
      const [{ id, exchange, routingKey }] = messages as [StoredMessage];
      if (await moveFrom(place, { ...next, skipped: 1 })) {
        log.error(
          { ...facts, id, exchange, routingKey },
          'a message is given up: handling it fails every time',
        );
      }
      return true;
    }
    log.warn(facts, 'messages could not be handled; they are tried again');
    if (remedy.kind === 'separate') {
      await moveFrom(place, { ...place, singly: messages.length, skipped: 0 });
      return true;
    }
    await store.rest(db, name, { place, retryAt: later(clock.now(), remedy.ms) });
    alarm.wakeAfter(remedy.ms + 1, 'rested');
    return false;
  };

  const step = async (limit: number): Promise<number> => {
    if (!(await store.hasUnread(db, name, clock.now()))) return 0;
    let page: Page | undefined;
    try {
      const hasMore = await handlePage(limit, (handled) => {
        page = handled;
      });
      return hasMore ? limit : 0;
    } catch (error) {
      if (!page || isNobodysFault(error)) throw error;
      return (await recover(page, error)) ? limit : 0;
    }
  };

  const loop: Loop = {
    name: `deliver-to-${name}`,
    everyMs: moveAtLeastEveryMs,
    limit: pageSizeMax,
    wakeBy: alarm.ready,
    step,
  };
  return { loop, watcher: { wanted, wake: () => alarm.ready.wake() }, close: alarm.close };
};

const received = ({ exchange, routingKey, routes, payload }: StoredMessage) => ({
  exchange,
  routingKey,
  routes,
  body: JSON.parse(payload) as object,
});

const isSame = (a: store.Place, b: store.Place): boolean =>
  a.since === b.since && a.afterId === b.afterId && a.attempts === b.attempts && a.singly === b.singly;

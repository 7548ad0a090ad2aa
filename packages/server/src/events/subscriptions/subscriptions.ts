import {
  type BaseContext,
  isConnectionLoss,
  isTransient,
  type Loop,
  later,
  type Signal,
  seconds,
  type Transaction,
  transact,
} from '../../base/index.ts';
import { type Alarm, createAlarm } from '../alarm.ts';
import { startAt } from '../follow.ts';
import { currentSnapshot, messagesBetween, type StoredMessage } from '../store.ts';
import { remedyFor } from './failure.ts';
import * as store from './store.ts';
import { type Subscription, type Wanted, wantedOf } from './wanted.ts';
import { createWatch, type Watch, type Watcher } from './watch.ts';

interface SubscriptionContext extends Pick<BaseContext, 'db' | 'clock' | 'log'> {
  /** Woken after commits that added messages. */
  readonly changed: Signal;
}

const pageSizeMax = 500;
// A consumer that wants none of the new messages is not woken, but still moves its place at this interval, so that its
// next read is short.
const moveAtLeastEveryMs = seconds(5);

/** Some messages at a place, and the place after them. */
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

/** The next page of wanted messages: up to the limit, or one when they are handled one by one. */
const readPage = async (tx: Transaction, place: store.Place, { wanted, limit }: Want): Promise<Page> => {
  const { since, afterId } = place;
  const until = place.until === since ? await currentSnapshot(tx) : place.until;
  const { exchanges, isRouted } = wanted;
  const read = await messagesBetween(tx, { since, until, afterId, limit, exchanges, isRouted });
  const matching = read.filter(wanted.matches);
  const messages = place.singly > 0 ? matching.slice(0, 1) : matching;
  // Messages that do not match are passed.
  const last = messages.length < matching.length ? messages.at(-1) : read.at(-1);
  const isEnd = read.length < limit && last?.id === read.at(-1)?.id;
  const position = isEnd ? startAt(until) : { since, until, afterId: last?.id ?? afterId };
  const singly = Math.max(0, place.singly - messages.length);
  return { place, messages, next: { ...position, singly }, hasMore: !isEnd };
};

/** Whether the database is at fault and not the messages: out of space, read-only or unreachable. */
const isNobodysFault = (error: unknown): boolean =>
  isConnectionLoss(error) ||
  isTransient(error) ||
  /^(53|58)/.test(String((error as { code?: unknown })?.code ?? ''));

const received = ({ exchange, routingKey, routes, payload }: StoredMessage) => ({
  exchange,
  routingKey,
  routes,
  body: JSON.parse(payload) as object,
});

const isSame = (a: store.Place, b: store.Place): boolean =>
  a.since === b.since && a.afterId === b.afterId && a.attempts === b.attempts && a.singly === b.singly;

/** One consumer of messages: a loop whose step handles one page. */
class Consumer implements Watcher {
  readonly loop: Loop;
  readonly wanted: () => Wanted;
  readonly #deps: SubscriptionContext;
  readonly #subscription: Subscription;
  readonly #alarm: Alarm;

  constructor(deps: SubscriptionContext, subscription: Subscription) {
    this.#deps = deps;
    this.#subscription = subscription;
    this.#alarm = createAlarm(deps.clock);
    this.wanted = wantedOf(subscription);
    this.loop = {
      name: `deliver-to-${subscription.name}`,
      everyMs: moveAtLeastEveryMs,
      limit: pageSizeMax,
      wakeBy: this.#alarm.ready,
      step: (limit) => this.#step(limit),
    };
  }

  get name(): string {
    return this.#subscription.name;
  }

  wake(): void {
    this.#alarm.ready.wake();
  }

  close(): void {
    this.#alarm.close();
  }

  async #step(limit: number): Promise<number> {
    const { db, clock } = this.#deps;
    if (!(await store.hasUnread(db, this.name, clock.now()))) return 0;
    let page: Page | undefined;
    try {
      const hasMore = await this.#handlePage(limit, (handled) => {
        page = handled;
      });
      return hasMore ? limit : 0;
    } catch (error) {
      if (!page || isNobodysFault(error)) throw error;
      return (await this.#recover(page, error)) ? limit : 0;
    }
  }

  /** Handles a page under the lock on the place, and moves it. Calls `onPage` with what it is about to handle. */
  #handlePage(limit: number, onPage: (page: Page) => void): Promise<boolean> {
    return transact(this.#deps, async (tx, now) => {
      const place = await store.lockPlace(tx, this.name, now);
      if (!place) return false;
      const page = await readPage(tx, place, { wanted: this.wanted(), limit });
      if (page.messages.length > 0) {
        onPage(page);
        await this.#subscription.handle(tx, page.messages.map(received));
      }
      tx.last(store.movePlace(tx, this.name, { ...page.next, skipped: 0 }));
      return page.hasMore;
    });
  }

  /** Decides what to do about a failed page; returns whether there is something to do at once. */
  async #recover(page: Page, err: unknown): Promise<boolean> {
    const { db, clock, log } = this.#deps;
    const { place, messages, next } = page;
    const facts = { subscription: this.name, messages: messages.length, attempts: place.attempts + 1, err };
    const remedy = remedyFor({ attempts: place.attempts, isSingle: messages.length === 1 });
    if (remedy.kind === 'pass over') {
      const [{ id, exchange, routingKey }] = messages as [StoredMessage];
      if (await this.#moveFrom(place, { ...next, skipped: 1 })) {
        log.error(
          { ...facts, id, exchange, routingKey },
          'a message is given up: handling it fails every time',
        );
      }
      return true;
    }
    log.warn(facts, 'messages could not be handled; they are tried again');
    if (remedy.kind === 'separate') {
      await this.#moveFrom(place, { ...place, singly: messages.length, skipped: 0 });
      return true;
    }
    await store.rest(db, this.name, { place, retryAt: later(clock.now(), remedy.ms) });
    this.#alarm.wakeAfter(remedy.ms + 1, 'rested');
    return false;
  }

  /** Moves on from where handling failed, unless another process has done so meanwhile; returns whether it did. */
  #moveFrom(place: store.Place, move: store.Move): Promise<boolean> {
    return transact(this.#deps, async (tx, now) => {
      const current = await store.lockPlace(tx, this.name, now);
      if (!current || !isSame(current, place)) return false;
      await store.movePlace(tx, this.name, move);
      return true;
    });
  }
}

/** The consumers of messages inside the platform. */
export class Subscriptions {
  /** Looks for new messages on behalf of all. */
  readonly watchLoop: Loop;
  readonly #deps: SubscriptionContext;
  readonly #consumers: Consumer[] = [];
  readonly #watch: Watch;

  constructor(deps: SubscriptionContext) {
    this.#deps = deps;
    this.#watch = createWatch({ ...deps, watchers: this.#consumers });
    this.watchLoop = this.#watch.loop;
  }

  /** To be called before `start`. The returned loop delivers messages, page by page. */
  subscribe(subscription: Subscription): Loop {
    const consumer = new Consumer(this.#deps, subscription);
    this.#consumers.push(consumer);
    return consumer.loop;
  }

  /** Gives new subscriptions their place. */
  start(): Promise<void> {
    const names = this.#consumers.map(({ name }) => name);
    return store.begin(this.#deps.db, names);
  }

  close(): void {
    this.#watch.close();
    for (const consumer of this.#consumers) consumer.close();
  }
}

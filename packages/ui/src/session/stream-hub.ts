import {
  type Binding,
  type Credentials,
  type FollowOptions,
  pause,
  type StreamedMessage,
} from '@taskyard/client/browser';

/** What a tab wants to hear. It says so again every minute, with credentials that hold. */
export interface Wish {
  readonly kind: 'follow';
  /** Known to the tab only. */
  readonly key: string;
  /** Whose stream it is; empty for nobody's. */
  readonly clientId: string;
  readonly credentials?: Credentials | undefined;
  readonly bindings: readonly Binding[];
}

/** From a tab to the hub. */
export type ToHub = Wish | { readonly kind: 'leave'; readonly key: string };

/** From the hub to a tab. */
export type FromHub =
  /** The wish has arrived: the hub is alive. */
  | { readonly kind: 'heard'; readonly key: string }
  /** The stream is open from here on: what happened before has to be read by other means. */
  | { readonly kind: 'connected'; readonly key: string }
  | { readonly kind: 'messages'; readonly key: string; readonly messages: readonly StreamedMessage[] }
  /** The credentials have ended, or were refused: say the wish again. */
  | { readonly kind: 'stale'; readonly key: string };

type Fits = (message: StreamedMessage) => boolean;

interface Follower {
  wish: Wish;
  readonly fits: Fits;
  send: (message: FromHub) => void;
  heardAt: number;
  isConnected: boolean;
  waiting: StreamedMessage[];
}

interface Stream {
  readonly bindings: string;
  readonly leaving: AbortController;
  isConnected: boolean;
}

type Follow = (options: FollowOptions) => AsyncIterable<StreamedMessage>;

/** How a hub reaches the world. */
export interface HubContext {
  readonly rootUrl: string;
  readonly follow: Follow;
  /** In milliseconds. */
  readonly now: () => number;
}

// A burst is one change of a page, not thousands; and wishes that come together make one stream.
const togetherMs = 50;
const retryMs = 2000;
// A tab that was closed says so, one that has crashed does not. One that slept says its wish again when it wakes.
const silenceMaxMs = 5 * 60_000;
/** The bindings are in the address of the stream, which may not grow without bound. */
const bindingsMax = 40;

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A pattern of routing keys: `*` is one word, `#` any number of them. */
const fitsPattern = (pattern: string): ((key: string) => boolean) => {
  const parts = pattern
    .split('.')
    .map((word) => (word === '#' ? '(?:\\.[^.]*)*' : word === '*' ? '\\.[^.]*' : `\\.${escaped(word)}`));
  const expression = new RegExp(`^${parts.join('')}$`);
  return (key) => expression.test(`.${key}`);
};

/** Whether a message is one of those that the user listens to, by its routing key or by one of its routes. */
export const fitsBindings = (bindings: readonly Binding[]): Fits => {
  const compiled = bindings.map(({ exchange, routingKeyPattern }) => ({
    exchange,
    fits: fitsPattern(routingKeyPattern),
  }));
  return ({ exchange: from, routingKey, routes }) =>
    compiled.some(
      ({ exchange, fits }) =>
        exchange === from && (fits(routingKey) || routes.some((route) => fits(`route.${route}`))),
    );
};

/** Bindings for all that any of several listen to; of an exchange with very many patterns, everything. */
export const unionOf = (all: readonly (readonly Binding[])[]): Binding[] => {
  const patterns = new Map<string, Set<string>>();
  for (const { exchange, routingKeyPattern } of all.flat()) {
    const known = patterns.get(exchange);
    if (known) known.add(routingKeyPattern);
    else patterns.set(exchange, new Set([routingKeyPattern]));
  }
  const patternsMax = Math.max(1, Math.floor(bindingsMax / patterns.size));
  return [...patterns]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([exchange, wanted]) =>
      (wanted.size > patternsMax || wanted.has('#') ? ['#'] : [...wanted].sort()).map(
        (routingKeyPattern) => ({ exchange, routingKeyPattern }),
      ),
    );
};

/**
 * One event stream for all tabs of a user: browsers open six connections to a server over HTTP/1.1, for all tabs together,
 * and a stream holds one. When what is listened to changes, the stream is opened again and goes on where it was.
 */
export class StreamHub {
  readonly #context: HubContext;
  readonly #followers = new Map<string, Follower>();
  /** By clientId. */
  readonly #streams = new Map<string, Stream>();
  /** Where the stream of a client has come to. */
  readonly #positions = new Map<string, string>();
  readonly #settling = new Set<string>();

  constructor(context: HubContext) {
    this.#context = context;
  }

  /** Takes what a tab says; `send` answers that tab. */
  take(message: ToHub, send: (message: FromHub) => void): void {
    const known = this.#followers.get(message.key);
    if (message.kind === 'leave') {
      this.#followers.delete(message.key);
      if (known) this.#settleSoon(known.wish.clientId);
      return;
    }
    if (known && known.wish.clientId === message.clientId) {
      known.wish = message;
      known.send = send;
      known.heardAt = this.#context.now();
    } else {
      if (known) this.#settleSoon(known.wish.clientId);
      this.#followers.set(message.key, {
        wish: message,
        fits: fitsBindings(message.bindings),
        send,
        heardAt: this.#context.now(),
        isConnected: false,
        waiting: [],
      });
    }
    send({ kind: 'heard', key: message.key });
    this.#settleSoon(message.clientId);
    this.#dropSilent();
  }

  #dropSilent(): void {
    const heardSince = this.#context.now() - silenceMaxMs;
    for (const [key, { heardAt, wish }] of this.#followers) {
      if (heardAt >= heardSince) continue;
      this.#followers.delete(key);
      this.#settleSoon(wish.clientId);
    }
  }

  #of(clientId: string): Follower[] {
    return [...this.#followers.values()].filter(({ wish }) => wish.clientId === clientId);
  }

  /** The credentials that were said last. */
  #credentialsOf(clientId: string): Credentials | undefined {
    return this.#of(clientId).reduce<Follower | undefined>(
      (latest, each) => (latest && latest.heardAt > each.heardAt ? latest : each),
      undefined,
    )?.wish.credentials;
  }

  #settleSoon(clientId: string): void {
    if (this.#settling.has(clientId)) return;
    this.#settling.add(clientId);
    setTimeout(() => {
      this.#settling.delete(clientId);
      this.#settle(clientId);
    }, togetherMs);
  }

  /** Makes the stream of a client the one that is wanted. */
  #settle(clientId: string): void {
    const followers = this.#of(clientId);
    const stream = this.#streams.get(clientId);
    const bindings = JSON.stringify(unionOf(followers.map(({ wish }) => wish.bindings)));
    if (followers.length > 0 && stream?.bindings === bindings) {
      // A user has come who listens to what is listened to already.
      if (stream.isConnected) this.#connected(clientId, { isGapless: true });
      return;
    }
    stream?.leaving.abort();
    this.#streams.delete(clientId);
    if (followers.length === 0) {
      this.#positions.delete(clientId);
      return;
    }
    const next = { bindings, leaving: new AbortController(), isConnected: false };
    this.#streams.set(clientId, next);
    void this.#run(clientId, next);
  }

  #connected(clientId: string, { isGapless }: { isGapless: boolean }): void {
    for (const follower of this.#of(clientId)) {
      if (isGapless && follower.isConnected) continue;
      follower.isConnected = true;
      follower.send({ kind: 'connected', key: follower.wish.key });
    }
  }

  #hand(clientId: string, message: StreamedMessage): void {
    for (const follower of this.#of(clientId)) {
      if (!follower.fits(message)) continue;
      follower.waiting.push(message);
      if (follower.waiting.length > 1) continue;
      setTimeout(() => {
        const { key } = follower.wish;
        const messages = follower.waiting;
        follower.waiting = [];
        // The tab may have left, or listen as another user now: then these are not for it.
        if (this.#followers.get(key) === follower) follower.send({ kind: 'messages', key, messages });
      }, togetherMs);
    }
  }

  /** Follows until the stream is given up. One that was refused is tried again, with what credentials there are then. */
  async #run(clientId: string, stream: Stream): Promise<void> {
    const { signal } = stream.leaving;
    const { rootUrl, follow } = this.#context;
    while (!signal.aborted) {
      const options: FollowOptions = {
        rootUrl,
        credentials: this.#credentialsOf(clientId),
        bindings: JSON.parse(stream.bindings) as Binding[],
        signal,
        lastEventId: this.#positions.get(clientId),
        onConnect: (connection) => {
          stream.isConnected = true;
          this.#connected(clientId, connection);
        },
        onPosition: (id) => this.#positions.set(clientId, id),
      };
      try {
        for await (const message of follow(options)) {
          this.#hand(clientId, message);
          this.#positions.set(clientId, message.id);
        }
      } catch {
        // Refused or gone: tried again after a while, until there are no listeners left.
      }
      if (signal.aborted) return;
      stream.isConnected = false;
      for (const { send, wish } of this.#of(clientId)) send({ kind: 'stale', key: wish.key });
      await pause(retryMs, signal).catch(() => {});
    }
  }
}

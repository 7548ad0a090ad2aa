import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import { converse, type OpenTerminal } from './conversation.ts';

/** The shells of a worker's tasks, each behind a path that cannot be guessed. */
export interface Shells {
  /** Offers shells of one task, until it is withdrawn: then those that are open end. */
  offer(open: OpenTerminal): OfferedShells;
  /** The function that serves a person on a stream, by the path of an offer; undefined for any other path. */
  at(path: string): ((stream: Duplex) => Promise<void>) | undefined;
}

export interface OfferedShells {
  /** `/shell/<token>` */
  readonly path: string;
  /** Resolves when all have ended. */
  withdraw(): Promise<void>;
}

/** The open shells of one task, at most. */
const shellsMax = 16;

class Offer {
  readonly #open: OpenTerminal;
  readonly #over = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(open: OpenTerminal) {
    this.#open = open;
    // Each of the shells listens.
    setMaxListeners(0, this.#over.signal);
  }

  converse(stream: Duplex): Promise<void> {
    const open: OpenTerminal =
      this.#running.size < shellsMax
        ? this.#open
        : () => Promise.reject(new Error(`A task can have ${shellsMax} shells at once.`));
    const conversation = converse(stream, { open, over: this.#over.signal });
    this.#running.add(conversation);
    return conversation.finally(() => this.#running.delete(conversation));
  }

  async end(): Promise<void> {
    this.#over.abort(new Error('The task has ended.'));
    await Promise.all(this.#running);
  }
}

/** Opens the register of shells. */
export const openShells = (): Shells => {
  const offers = new Map<string, Offer>();
  return {
    offer: (open) => {
      const path = `/shell/${randomBytes(24).toString('base64url')}`;
      const offer = new Offer(open);
      offers.set(path, offer);
      return {
        path,
        withdraw: () => {
          offers.delete(path);
          return offer.end();
        },
      };
    },
    at: (path) => {
      const offer = offers.get(path);
      return offer && ((stream) => offer.converse(stream));
    },
  };
};

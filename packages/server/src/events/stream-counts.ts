import { RequestError } from '../base/index.ts';

/** Streams that a client may have open at a process; all callers without credentials count as one. */
export const streamsPerClientMax = 100;

/** Counts the streams that are open, and bounds those of each client. */
export class StreamCounts {
  readonly #open = new Map<string, number>();
  #total = 0;

  /** How many streams are open. */
  get total(): number {
    return this.#total;
  }

  /**
   * Counts a stream until the function that it returns is called.
   *
   * @throws RequestError TooManyRequests when the client has as many as it may
   */
  enter(clientId: string): () => void {
    const open = this.#open.get(clientId) ?? 0;
    if (open >= streamsPerClientMax) {
      const whose = clientId === '' ? 'Callers without credentials have' : `The client '${clientId}' has`;
      throw new RequestError(
        'TooManyRequests',
        `${whose} ${open} event streams open, as many as are allowed.`,
      );
    }
    this.#add(clientId, 1);
    let isOpen = true;
    return () => {
      if (isOpen) this.#add(clientId, -1);
      isOpen = false;
    };
  }

  #add(clientId: string, change: 1 | -1): void {
    this.#total += change;
    const open = (this.#open.get(clientId) ?? 0) + change;
    if (open > 0) this.#open.set(clientId, open);
    else this.#open.delete(clientId);
  }
}

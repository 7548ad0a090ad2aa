import { RequestError } from '../base/index.ts';

/** The most open streams of a client in a process. All callers without credentials count as one client. */
export const streamsPerClientMax = 100;

/** Counts open streams, and limits those of each client. */
export class StreamCounts {
  readonly #open = new Map<string, number>();
  #total = 0;

  /** The number of open streams. */
  get total(): number {
    return this.#total;
  }

  /**
   * Counts a stream until the function that it returns is called.
   *
   * @throws RequestError TooManyRequests when the client has reached its limit
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

import pg from 'pg';
import { seconds, systemClock } from './clock.ts';

const listenAgainAfterMsMax = 2000;

/** Called with the payload of each notification on a channel, or with an empty one when some may have been missed. */
export type Heard = (payload: string) => void;

/** The connections of a process that listen for notifications. One that breaks is opened again. */
export class Listeners {
  readonly #url: string;
  readonly #onError: (error: Error) => void;
  readonly #clients = new Set<pg.Client>();
  readonly #closing = new AbortController();

  constructor(url: string, onError: (error: Error) => void) {
    this.#url = url;
    this.#onError = onError;
  }

  /** Listens on a channel until {@link close}; rejects when the first connection cannot be made. */
  async listen(channel: string, heard: Heard): Promise<void> {
    const client = this.#open(heard);
    try {
      await client.connect();
      await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      void client.end().catch(() => {});
      throw error;
    }
    this.#clients.add(client);
    client.once('end', () => {
      this.#clients.delete(client);
      void this.#listenAgain(channel, heard);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#clients].map((client) => client.end()));
  }

  #open(heard: Heard): pg.Client {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'taskyard-listen',
      keepAlive: true,
      keepAliveInitialDelayMillis: seconds(30),
      connectionTimeoutMillis: seconds(10),
    });
    client.on('notification', (message) => heard(message.payload ?? ''));
    client.on('error', this.#onError);
    return client;
  }

  /** Tries until the server is back, with growing delays. */
  async #listenAgain(channel: string, heard: Heard): Promise<void> {
    const { signal } = this.#closing;
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(2 * waitMs, listenAgainAfterMsMax)) {
      try {
        await this.listen(channel, heard);
        // Notifications sent meanwhile are lost; an empty payload makes the listener read again.
        heard('');
        return;
      } catch (error) {
        this.#onError(error as Error);
      }
      await systemClock.sleep(waitMs, signal);
    }
  }
}

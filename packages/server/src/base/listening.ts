import pg from 'pg';
import { seconds, systemClock } from './clock.ts';
import { type Servers, sever } from './servers.ts';

const listenAgainAfterMsMax = 2000;
/** How often a listening connection is tried: the system would notice only after minutes that its server is gone. */
const beatMs = seconds(15);

/** Called with the payload of each notification on a channel, or with an empty one when some may have been missed. */
export type Heard = (payload: string) => void;

export interface ListenersOptions {
  /** A connection whose server does not answer for this long is closed. */
  readonly silenceMaxMs: number;
  readonly onError: (error: Error) => void;
  /** Called when a connection that was lost has been opened again. */
  readonly onBack: () => void;
}

/** The connections of a process that listen for notifications. One that breaks is opened again. */
export class Listeners {
  readonly #servers: Servers;
  readonly #beatMs: number;
  readonly #onError: (error: Error) => void;
  readonly #onBack: () => void;
  readonly #clients = new Set<pg.Client>();
  readonly #closing = new AbortController();

  constructor(servers: Servers, { silenceMaxMs, onError, onBack }: ListenersOptions) {
    this.#servers = servers;
    this.#beatMs = Math.min(beatMs, silenceMaxMs / 2);
    this.#onError = onError;
    this.#onBack = onBack;
  }

  /** Listens on a channel until {@link close}; rejects when the first connection cannot be made. */
  async listen(channel: string, heard: Heard): Promise<void> {
    const client = await this.#servers.open({
      application_name: 'taskyard-listen',
      connectionTimeoutMillis: seconds(10),
    });
    client.on('notification', (message) => heard(message.payload ?? ''));
    client.on('error', this.#onError);
    try {
      await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      void client.end().catch(() => {});
      throw error;
    }
    // Closed meanwhile: the search for a server may take seconds.
    if (this.#closing.signal.aborted) return client.end();
    this.#clients.add(client);
    client.once('end', () => {
      this.#clients.delete(client);
      void this.#listenAgain(channel, heard);
    });
    void this.#keepTrying(client);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#clients].map((client) => client.end()));
  }

  /** Closes the connection when its server has stopped answering. */
  async #keepTrying(client: pg.Client): Promise<void> {
    const ended = new AbortController();
    client.once('end', () => ended.abort());
    for (;;) {
      await systemClock.sleep(this.#beatMs, ended.signal);
      if (ended.signal.aborted) return;
      const cancel = systemClock.after(this.#beatMs, () => sever(client, 'PostgreSQL does not answer.'));
      // An error ends the connection, which is handled there.
      await client.query('select 1').catch(() => {});
      cancel();
    }
  }

  /** Tries until the server is back, with growing delays. */
  async #listenAgain(channel: string, heard: Heard): Promise<void> {
    const { signal } = this.#closing;
    for (let waitMs = 50; !signal.aborted; waitMs = Math.min(2 * waitMs, listenAgainAfterMsMax)) {
      try {
        await this.listen(channel, heard);
        // Notifications sent meanwhile are lost; an empty payload makes the listener read again.
        heard('');
        this.#onBack();
        return;
      } catch (error) {
        this.#onError(error as Error);
      }
      await systemClock.sleep(waitMs, signal);
    }
  }
}

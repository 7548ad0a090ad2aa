import { type Credentials, createSigner } from '@taskyard/client';
import { type Clock, minutes, seconds } from '../clock.ts';
import { backOffMs } from '../retry.ts';
import { messageOf, type WorkerLog } from '../worker-log.ts';
import { type Answer, type Dialling, dial, TunnelRefused } from './connection.ts';

export interface TunnelOptions {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly rootUrl: string;
  /** Asked for each time: they are renewed while a worker lives. */
  credentials(): Credentials;
  readonly identity: {
    readonly taskQueueId: string;
    readonly workerGroup: string;
    readonly workerId: string;
  };
  /** Tells two workers of one name apart. */
  readonly instance: string;
  readonly answer: Answer;
  readonly speakerAt: Dialling['speakerAt'];
}

/** The way from the server back to this worker. */
export interface Tunnel {
  /** Has the tunnel open until it is released: it closes some seconds after the last one. */
  hold(): {
    /** What viewers reach this worker by. Rejects with {@link TunnelRefused} when the server opens none. */
    readonly url: Promise<string>;
    release(): void;
  };
  close(): Promise<void>;
}

// Tasks that follow each other use the same tunnel.
const lingerMs = seconds(10);
// A server that knows no tunnels may be another one by then.
const refusedForMs = minutes(10);
const reconnectMs = { firstDelayMs: 200, delayMaxMs: seconds(15) };
const soundAfterMs = seconds(30);

/** A life of the tunnel: from its first holder to some time after its last, through all its connections. */
class Life {
  readonly url: Promise<string>;
  readonly over = new AbortController();
  readonly ended: Promise<void>;

  constructor({ clock, log }: Pick<TunnelOptions, 'clock' | 'log'>, dialling: Dialling) {
    let opened = (_: string): void => undefined;
    let failed = (_: unknown): void => undefined;
    this.url = new Promise((resolve, reject) => {
      opened = resolve;
      failed = reject;
    });
    this.url.catch(() => undefined);
    this.ended = this.#keep({ clock, log, dialling, opened }).then(
      () => failed(new Error('The tunnel was closed.')),
      failed,
    );
  }

  async #keep({
    clock,
    log,
    dialling,
    opened,
  }: Pick<TunnelOptions, 'clock' | 'log'> & { dialling: Dialling; opened(url: string): void }) {
    const { signal } = this.over;
    for (let failures = 0; !signal.aborted; ) {
      const since = clock.now().getTime();
      try {
        const connection = await dial(dialling, signal);
        opened(connection.tunnelUrl);
        const close = () => connection.close();
        signal.addEventListener('abort', close, { once: true });
        if (signal.aborted) close();
        await connection.closed;
        signal.removeEventListener('abort', close);
        if (clock.now().getTime() - since >= soundAfterMs) failures = 0;
      } catch (error) {
        if (error instanceof TunnelRefused) throw error;
        if (!signal.aborted) log.warn({ error: messageOf(error) }, 'no tunnel to the server could be opened');
      }
      if (!signal.aborted) await clock.sleep(backOffMs(failures++, reconnectMs), signal);
    }
  }
}

/** Makes a tunnel ready; it is opened when somebody holds it. */
export const openTunnel = (options: TunnelOptions): Tunnel => {
  const { clock, log } = options;
  const dialling = diallingOf(options);
  let life: Life | undefined;
  let holders = 0;
  let isClosed = false;
  let refused: { readonly error: unknown; readonly until: number } | undefined;
  let cancelEnd = (): void => undefined;

  const begin = (): Life => {
    const begun = new Life({ clock, log }, dialling);
    begun.url.catch((error) => {
      if (life === begun) life = undefined;
      if (!(error instanceof TunnelRefused)) return;
      refused = { error, until: clock.now().getTime() + refusedForMs };
      log.warn({ error: messageOf(error) }, 'live logs are shown at an address of this machine');
    });
    return begun;
  };
  const end = (): void => {
    life?.over.abort();
    life = undefined;
  };
  const releaseOnce = (): (() => void) => {
    let isHeld = true;
    return () => {
      if (isHeld) holders--;
      if (isHeld && holders === 0 && !isClosed) cancelEnd = clock.after(lingerMs, end);
      isHeld = false;
    };
  };
  return {
    hold: () => {
      const release = releaseOnce();
      holders++;
      cancelEnd();
      const isRefused = refused !== undefined && clock.now().getTime() < refused.until;
      if (isRefused || isClosed) {
        const url = Promise.reject(refused?.error ?? new Error('The worker has ended.'));
        url.catch(() => undefined);
        return { url, release };
      }
      life ??= begin();
      return { url: life.url, release };
    },
    close: async () => {
      isClosed = true;
      cancelEnd();
      const ended = life?.ended;
      end();
      await ended;
    },
  };
};

const diallingOf = (options: TunnelOptions): Dialling => {
  const { clock, rootUrl, credentials, identity, instance, answer, speakerAt } = options;
  const { taskQueueId, workerGroup, workerId } = identity;
  const url = new URL(`${rootUrl}/tunnels/open/${taskQueueId}/${workerGroup}/${workerId}/${instance}`);
  const authorize = () => createSigner(credentials()).header('GET', url);
  return { clock, url, authorize, answer, speakerAt };
};

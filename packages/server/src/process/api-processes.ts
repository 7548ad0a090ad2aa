import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Logger, type MetricValues, seconds, systemClock } from '../base/index.ts';
import type { ApiProcessSettings, FromApiProcess, ToApiProcess } from './api-process.ts';
import { type Entrance, openEntrance } from './entrance.ts';

/** Processes that serve the API on one port. */
export interface ApiProcesses {
  readonly url: string;
  readonly urls: readonly string[];
  /** The metrics of each process that replies. */
  readMetrics(): Promise<readonly (readonly MetricValues[])[]>;
  /** Lets them say that they are about to end. */
  leave(): void;
  /** Ends them once they have replied to the requests in progress. */
  close(): Promise<void>;
}

export interface ApiProcessesSettings extends Omit<ApiProcessSettings, 'name' | 'rootUrl'> {
  readonly count: number;
  readonly log: Logger;
  /** The root URL, when the platform is reached under another one than it listens at. */
  readonly rootUrl: string | undefined;
}

interface Running {
  readonly child: ChildProcess;
  /** Connections that have not been passed to the process yet. */
  readonly unsent: Set<Socket>;
  /** Calls that wait for its metrics, by the number of the request. */
  readonly asking: Map<number, (values: readonly MetricValues[]) => void>;
  isReady: boolean;
  readonly ready: Promise<void>;
  readonly ended: Promise<string>;
}

const program = fileURLToPath(new URL('./api-process.js', import.meta.url));
const restartAfterMs = { first: 100, max: seconds(10) };
const soundAfterMs = seconds(30);
// Requests in progress and long polls get their replies within this time, or never.
const drainWithinMs = seconds(30);
const metricsWithinMs = seconds(3);
const connectionsWaitingMax = 1000;

/**
 * Processes that serve the API. Those that exit are replaced. This process has the port and passes each connection to one of
 * them in turn, so the port stays open when they exit. No accepted connection is lost when they are told to end, since that
 * message comes after the connections.
 */
class Fleet {
  readonly #settings: ApiProcessesSettings;
  readonly #closing = new AbortController();
  readonly #running = new Map<string, Running>();
  /** Connections that arrived while no process was ready. */
  readonly #waiting: Socket[] = [];
  #entrance: Entrance | undefined;
  #kept: Promise<void>[] = [];
  #turn = 0;
  #questions = 0;

  constructor(settings: ApiProcessesSettings) {
    this.#settings = settings;
  }

  get url(): string {
    return this.#entrance?.url ?? '';
  }

  get urls(): readonly string[] {
    return this.#entrance?.urls ?? [];
  }

  /** Opens the port and starts the processes; rejects, with nothing left behind, when one does not become ready. */
  async open(): Promise<void> {
    const { config, count } = this.#settings;
    const place = { host: config.host, port: config.port, isForOthers: true };
    this.#entrance = await openEntrance(place, (socket) => this.#admit(socket));
    const names = Array.from({ length: count }, (_, i) => String(i + 1));
    const firsts = names.map((name) => this.#start(name));
    try {
      await Promise.all(firsts.map(({ ready }) => ready));
    } catch (error) {
      await this.#end();
      throw error;
    }
    this.#kept = firsts.map((first, i) => this.#keep(names[i] as string, first));
  }

  readMetrics(): Promise<readonly (readonly MetricValues[])[]> {
    return Promise.all(
      [...this.#running.values()].map((process) => askForMetrics(process, ++this.#questions)),
    );
  }

  leave(): void {
    for (const { child } of this.#running.values()) tell(child, { say: 'leave' });
  }

  async close(): Promise<void> {
    await this.#end();
    await Promise.all(this.#kept);
  }

  #admit(socket: Socket): void {
    const candidates = [...this.#running.values()].filter(({ isReady, child }) => isReady && child.connected);
    const chosen = candidates[this.#turn++ % Math.max(1, candidates.length)];
    if (chosen) hand(socket, chosen);
    else if (this.#waiting.length < connectionsWaitingMax) this.#waiting.push(socket);
    else socket.destroy();
  }

  #start(name: string): Running {
    const rootUrl = this.#settings.rootUrl ?? this.url;
    const process = startProcess({ ...this.#settings, name, rootUrl });
    this.#running.set(name, process);
    void process.ready.then(
      () => {
        for (const socket of this.#waiting.splice(0)) this.#admit(socket);
      },
      () => {},
    );
    void process.ended.then(() => {
      for (const socket of process.unsent) this.#admit(socket);
    });
    return process;
  }

  /** Keeps one process running. */
  async #keep(name: string, first: Running): Promise<void> {
    const { signal } = this.#closing;
    let waitMs = restartAfterMs.first;
    for (let process = first; ; process = this.#start(name)) {
      const since = performance.now();
      const reason = await process.ended;
      if (signal.aborted) return;
      this.#settings.log.error(
        { apiProcess: name, reason },
        'a process that serves the API has ended; another one follows',
      );
      if (performance.now() - since > soundAfterMs) waitMs = restartAfterMs.first;
      await systemClock.sleep(waitMs, signal);
      if (signal.aborted) return;
      waitMs = Math.min(2 * waitMs, restartAfterMs.max);
    }
  }

  async #end(): Promise<void> {
    await this.#entrance?.close();
    this.#closing.abort();
    await Promise.all([...this.#running.values()].map(endProcess));
  }
}

/** Starts processes that serve the API on one port, and replaces those that end. */
export const startApiProcesses = async (settings: ApiProcessesSettings): Promise<ApiProcesses> => {
  const fleet = new Fleet(settings);
  await fleet.open();
  return {
    url: fleet.url,
    urls: fleet.urls,
    readMetrics: () => fleet.readMetrics(),
    leave: () => fleet.leave(),
    close: () => fleet.close(),
  };
};

/** Passes a connection to a process. */
const hand = (socket: Socket, { child, unsent }: Running): void => {
  unsent.add(socket);
  child.send({ say: 'connection' } satisfies ToApiProcess, socket, {}, (error) => {
    // When the process has exited, the connection is passed to another one.
    if (!error) unsent.delete(socket);
  });
};

const tell = (child: ChildProcess, message: ToApiProcess): void => {
  // A process that cannot receive messages has exited, which is handled elsewhere.
  if (child.connected) child.send(message, () => {});
};

const startProcess = ({ name, config, databaseUrl, rootUrl, local }: ApiProcessSettings): Running => {
  // Standard output is for messages of the platform to people.
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const asking: Running['asking'] = new Map();
  const ended = endOf(child);
  let becomeReady = (): void => {};
  let fail = (_error: Error): void => {};
  const ready = new Promise<void>((resolve, reject) => {
    becomeReady = resolve;
    fail = reject;
  });
  const running: Running = { child, unsent: new Set(), asking, isReady: false, ready, ended };
  child.on('message', (message: FromApiProcess) => {
    if (message.say === 'metrics') asking.get(message.id)?.(message.values);
    if (message.say === 'failed') fail(new Error(message.message));
    if (message.say === 'ready') {
      running.isReady = true;
      becomeReady();
    }
  });
  void ended.then((reason) => {
    running.isReady = false;
    fail(new Error(`A process that is to serve the API has ended at its start: ${reason}`));
  });
  tell(child, { say: 'start', name, config: { ...config, role: 'api' }, databaseUrl, rootUrl, local });
  return running;
};

/** Resolves when a process has ended, with its status or the signal that ended it. */
const endOf = async (child: ChildProcess): Promise<string> => {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return String(code ?? signal);
  } catch (error) {
    return (error as Error).message;
  }
};

const endProcess = async ({ child, ended, isReady }: Running): Promise<void> => {
  if (isReady) tell(child, { say: 'drain' });
  else child.kill('SIGKILL');
  const cancel = systemClock.after(drainWithinMs, () => child.kill('SIGKILL'));
  await ended;
  cancel();
};

/** The metrics of a process; empty when it does not reply in time. */
const askForMetrics = async ({ child, asking, ended }: Running, id: number) => {
  const done = new AbortController();
  const answer = new Promise<readonly MetricValues[]>((resolve) => asking.set(id, resolve));
  tell(child, { say: 'metrics', id });
  const nothing = () => [];
  const late = systemClock.sleep(metricsWithinMs, done.signal).then(nothing);
  try {
    return await Promise.race([answer, late, ended.then(nothing)]);
  } finally {
    done.abort();
    asking.delete(id);
  }
};

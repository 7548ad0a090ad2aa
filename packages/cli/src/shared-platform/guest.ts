import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type FromPlatform, type FromRun, type Reception, receptionFile } from './protocol.ts';

/** The membership of a run in a platform that it shares with others. */
export interface PlatformGuest {
  /** Announces the group that the run is about to create, which is canceled if the run is killed. */
  readonly begin: (taskGroupId: string) => Promise<void>;
  /** Leaves the platform. Waits until it has ended, if no other run uses it. */
  readonly leave: () => Promise<void>;
  /** Aborts when the platform ends while the run needs it. */
  readonly lost: AbortSignal;
}

const readReception = async (data: string): Promise<Reception | undefined> => {
  try {
    return JSON.parse(await readFile(receptionFile(data), 'utf8')) as Reception;
  } catch {
    return undefined;
  }
};

class Connection implements PlatformGuest {
  readonly #socket: Socket;
  readonly #answers: ((line: FromPlatform | undefined) => void)[] = [];
  readonly #lost = new AbortController();
  readonly #closed: Promise<unknown>;
  #isLeaving = false;
  readonly lost = this.#lost.signal;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    createInterface(socket).on('line', (line) => this.#answers.shift()?.(JSON.parse(line) as FromPlatform));
    this.#closed = once(socket, 'close').then(() => {
      if (!this.#isLeaving) this.#lost.abort();
      for (const answer of this.#answers.splice(0)) answer(undefined);
    });
  }

  /** Sends a message, and returns the reply of the platform; undefined when the connection has ended. */
  ask(line: FromRun): Promise<FromPlatform | undefined> {
    if (this.#socket.destroyed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#answers.push(resolve);
      this.#socket.write(`${JSON.stringify(line)}\n`);
    });
  }

  begin = async (taskGroupId: string): Promise<void> => {
    await this.ask({ type: 'begin', taskGroupId });
  };

  leave = async (): Promise<void> => {
    this.#isLeaving = true;
    this.#socket.write(`${JSON.stringify({ type: 'goodbye' } satisfies FromRun)}\n`);
    await this.#closed;
  };
}

/**
 * Joins the shared platform of a data folder; waits while it starts. Returns undefined when there is none, and `turned-away`
 * when it is ending.
 */
export const joinPlatform = async (data: string): Promise<PlatformGuest | 'turned-away' | undefined> => {
  const reception = await readReception(data);
  if (!reception) return undefined;
  const socket = connect(reception.port, '127.0.0.1');
  const isThere = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  // The file of a platform that was killed.
  if (!isThere) return undefined;
  const connection = new Connection(socket);
  const answer = await connection.ask({ type: 'hello', token: reception.token });
  return answer?.type === 'welcome' ? connection : 'turned-away';
};

import type { ChildProcess } from 'node:child_process';
import { minutes, systemClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { stopServer } from './postmaster.ts';

/** A server that accepts connections. */
export interface RunningPostgres {
  readonly child: ChildProcess;
  readonly pid: number;
}

export interface KeeperOptions {
  readonly log: Logger;
  /** Where the server writes its own log. */
  readonly logFile: string;
  /** Starts the server once more, on the same data and port. */
  readonly startAgain: () => Promise<RunningPostgres>;
  /** Called once when a server that exited unexpectedly could not be restarted. Without it, no server is restarted. */
  readonly onLost?: ((error: Error) => void) | undefined;
}

// A server that exits again and again has a reason that a restart does not cure.
const restartsMax = 5;
const restartsWithinMs = minutes(10);

/** Keeps a server running until it is told to stop it. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #restartedAt: number[] = [];
  #server: RunningPostgres;
  #isWanted = true;
  #restarting: Promise<void> | undefined;

  constructor(server: RunningPostgres, options: KeeperOptions) {
    this.#options = options;
    this.#server = server;
    this.#watch(server);
  }

  /** The process id of the server that runs now. */
  get pid(): number {
    return this.#server.pid;
  }

  /** Ends all sessions and the server; safe to call twice. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#restarting;
    await stopServer(this.#server.child);
  }

  #watch(server: RunningPostgres): void {
    this.#server = server;
    const { child } = server;
    const endWithUs = () => child.kill('SIGINT');
    process.once('exit', endWithUs);
    child.once('exit', (code, signal) => {
      process.off('exit', endWithUs);
      if (this.#isWanted) this.#ended(code, signal);
    });
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    const { log, logFile, onLost } = this.#options;
    log.error({ code, signal, logFile }, 'The embedded PostgreSQL has ended by itself');
    if (onLost) this.#restarting = this.#restart(onLost);
  }

  async #restart(onLost: (error: Error) => void): Promise<void> {
    try {
      this.#countRestart();
      const next = await this.#options.startAgain();
      this.#watch(next);
      this.#options.log.warn({ pid: next.pid }, 'The embedded PostgreSQL runs again');
    } catch (error) {
      if (!this.#isWanted) return;
      onLost(
        new Error(`The embedded PostgreSQL has ended, and does not run again. ${(error as Error).message}`),
      );
    }
  }

  #countRestart(): void {
    const now = systemClock.now().getTime();
    const recent = this.#restartedAt.filter((at) => Math.abs(now - at) < restartsWithinMs);
    if (recent.length >= restartsMax) {
      const { logFile } = this.#options;
      throw new Error(`It was started again ${restartsMax} times within ten minutes; its log is ${logFile}.`);
    }
    this.#restartedAt.splice(0, this.#restartedAt.length, ...recent, now);
  }
}

import { once } from 'node:events';
import { eventually, pause } from '@taskyard/patience';
import type { Platform } from '../support/platform.ts';

const restartAfterMs = 100;

/** A `taskyard serve` that is started again whenever it ends, as `Restart=always` of its systemd unit has it. */
export class Machine {
  readonly name: string;
  readonly #start: () => Promise<Platform>;
  readonly #kept: Promise<void>;
  #platform: Platform | undefined;
  #isWanted = true;
  /** Set by those who kill it. */
  #isKilled = false;
  /** How often it has ended without being killed, or did not start. */
  readonly ownEnds = { running: 0, starting: 0 };
  /** What no operator could live with: a start that neither succeeds nor ends. */
  readonly problems: string[] = [];

  constructor(name: string, start: () => Promise<Platform>) {
    this.name = name;
    this.#start = start;
    this.#kept = this.#keep();
  }

  /** The platform, as soon as it is ready. */
  up(): Promise<Platform> {
    return eventually(`${this.name} to run`, () => this.#platform);
  }

  /** Whether it runs now, and is not about to start again. */
  get isUp(): boolean {
    return this.#platform !== undefined;
  }

  /** SIGKILL; returns once the signal is sent. */
  async kill(): Promise<void> {
    const { process } = await this.up();
    this.#isKilled = true;
    process.kill('SIGKILL');
  }

  /** Ends it for good. Returns its exit code. */
  async stop(): Promise<number | null> {
    const platform = await this.up();
    this.#isWanted = false;
    const code = await platform.stop();
    await this.#kept;
    return code;
  }

  /** Ends it for good, at once, in whatever state it is. */
  async abandon(): Promise<void> {
    this.#isWanted = false;
    this.#platform?.process.kill('SIGKILL');
    await this.#kept;
  }

  async #keep(): Promise<void> {
    while (this.#isWanted) {
      const platform = await this.#start().catch((error: Error) => this.#noteFailedStart(error));
      if (!platform) {
        await pause(restartAfterMs);
        continue;
      }
      const { process } = platform;
      const exit =
        process.exitCode === null && process.signalCode === null ? once(process, 'exit') : undefined;
      this.#platform = platform;
      if (!this.#isWanted) process.kill('SIGKILL');
      await exit;
      this.#platform = undefined;
      if (this.#isWanted && !this.#isKilled) this.ownEnds.running++;
      this.#isKilled = false;
    }
  }
  #noteFailedStart({ message }: Error): undefined {
    this.ownEnds.starting++;
    if (!message.includes('ended at its start')) this.problems.push(message);
  }
}

import { BrokenTransaction, seconds, type Transaction, transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { giveBack, type Taken, whatIsHeld } from './take-work.ts';

const askAgainAfterMsMax = seconds(5);

/** Makes sure that no claim is lost between the database and the worker, which would block its run until it expires. */
export class Deliveries {
  readonly #context: Context;
  readonly #closing: AbortSignal;
  readonly #underWay = new Set<Promise<void>>();

  /** @param closing ends the attempts while the database is unreachable */
  constructor(context: Context, closing: AbortSignal) {
    this.#context = context;
    this.#closing = closing;
  }

  /** Takes runs by a transaction. When it is unknown whether it was committed, `found` is called later with its runs. */
  async take(
    run: (tx: Transaction, now: Date) => Promise<Taken[]>,
    found: (taken: Taken[]) => void,
  ): Promise<Taken[]> {
    let taken: Taken[] = [];
    try {
      return await transact(this.#context, async (tx, now) => {
        taken = [];
        taken = await run(tx, now);
        return taken;
      });
    } catch (error) {
      const isUnknown = error instanceof BrokenTransaction && error.effect === 'unknown';
      if (isUnknown && taken.length > 0) this.#inBackground(() => this.#findOut(taken, found));
      throw error;
    }
  }

  /** Gives runs back that reached no worker. It need not be awaited. */
  giveBack(taken: readonly Taken[]): void {
    if (taken.length === 0) return;
    const context = this.#context;
    this.#inBackground(() => transact(context, (tx, now) => giveBack(tx, taken, { now, context })));
  }

  /** Resolves when no outcome is unknown and all runs have been given back. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  async #findOut(taken: readonly Taken[], found: (taken: Taken[]) => void): Promise<void> {
    const held = await transact(this.#context, (tx) => whatIsHeld(tx, taken));
    const counts = { taken: taken.length, held: held.length };
    this.#context.log.info(counts, 'claims of a broken transaction were settled');
    found(held);
  }

  #inBackground(work: () => Promise<void>): void {
    const ended = this.#persist(work).finally(() => this.#underWay.delete(ended));
    this.#underWay.add(ended);
  }

  /** Tries until it succeeds, or the claims have expired. */
  async #persist(work: () => Promise<void>): Promise<void> {
    const { clock, log, settings } = this.#context;
    const end = clock.elapsed() + seconds(settings.claimTimeoutSeconds);
    for (let waitMs = 50; ; waitMs = Math.min(2 * waitMs, askAgainAfterMsMax)) {
      try {
        return await work();
      } catch (err) {
        const isOver = this.#closing.aborted || clock.elapsed() >= end;
        log.warn({ err, isOver }, 'what became of claims could not be settled');
        if (isOver) return;
      }
      await clock.sleep(waitMs, this.#closing);
    }
  }
}

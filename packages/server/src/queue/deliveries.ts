import { BrokenTransaction, later, seconds, transact } from '../base/index.ts';
import type { QueueDeps } from './context.ts';
import { giveBack, type Taken, whatIsHeld } from './service/take-work.ts';

/** Sees to it that no claim gets lost between the database and the worker: it would block its run until it expires. */
export interface Deliveries {
  /** Takes runs by a transaction. When it is unknown whether that was committed, `found` is called later with those that were. */
  take(run: TakeWork, found: (taken: Taken[]) => void): Promise<Taken[]>;
  /** Gives runs back that reached nobody; it need not be waited for. */
  giveBack(taken: readonly Taken[]): void;
  /** Resolves when nothing is left to find out or to give back. */
  settle(): Promise<void>;
}

type TakeWork = (...transaction: Parameters<Parameters<typeof transact<Taken[]>>[1]>) => Promise<Taken[]>;

const askAgainAfterMsMax = seconds(5);

/** `closing` ends the patience with a database that is away. */
export const createDeliveries = (deps: QueueDeps, closing: AbortSignal): Deliveries => {
  const underWay = new Set<Promise<void>>();

  const inBackground = (work: Promise<void>): void => {
    const ended = work.finally(() => underWay.delete(ended));
    underWay.add(ended);
  };

  /** Tries until it is done, or the claims have expired: then they are nobody's any more. */
  const persist = async (work: () => Promise<void>): Promise<void> => {
    const end = later(deps.clock.now(), seconds(deps.settings.claimTimeoutSeconds));
    for (let waitMs = 50; ; waitMs = Math.min(2 * waitMs, askAgainAfterMsMax)) {
      try {
        return await work();
      } catch (err) {
        const isOver = closing.aborted || deps.clock.now() >= end;
        deps.log.warn({ err, isOver }, 'what became of claims could not be settled');
        if (isOver) return;
      }
      await deps.clock.sleep(waitMs, closing);
    }
  };

  const findOut = (taken: readonly Taken[], found: (taken: Taken[]) => void): Promise<void> =>
    persist(async () => {
      const held = await transact(deps, (tx) => whatIsHeld(tx, taken));
      deps.log.info(
        { taken: taken.length, held: held.length },
        'claims of a broken transaction were settled',
      );
      found(held);
    });

  return {
    take: async (run, found) => {
      let taken: Taken[] = [];
      try {
        return await transact(deps, async (tx, now) => {
          taken = [];
          taken = await run(tx, now);
          return taken;
        });
      } catch (error) {
        const isUnknown = error instanceof BrokenTransaction && error.effect === 'unknown';
        if (isUnknown && taken.length > 0) inBackground(findOut(taken, found));
        throw error;
      }
    },
    giveBack: (taken) => {
      if (taken.length === 0) return;
      inBackground(persist(() => transact(deps, (tx, now) => giveBack(tx, taken, { ...deps, now }))));
    },
    settle: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
};

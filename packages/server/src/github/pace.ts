import { later, seconds } from '../base/index.ts';

// A group is read during a tenth of the time at most.
const [restsPerReading, restMsMax] = [9, seconds(30)];
const restsMax = 1000;

/**
 * Which groups rest. To say how a build stands, all tasks of its group are read; where many of them fail one after the other,
 * a large group would be read all the time. So it rests for longer than it took to read.
 */
export class GroupPace {
  readonly #rests = new Map<string, Date>();

  /** Until when a group is not to be read; undefined when it may be. */
  restOf(taskGroupId: string, now: Date): Date | undefined {
    const until = this.#rests.get(taskGroupId);
    // One that rests for longer was read before the clock was set back.
    return until && until > now && until <= later(now, restMsMax) ? until : undefined;
  }

  /** Notes how long it took to read a group. */
  note(taskGroupId: string, began: Date, ended: Date): void {
    const tookMs = ended.getTime() - began.getTime();
    this.#rests.delete(taskGroupId);
    this.#rests.set(taskGroupId, later(ended, Math.min(tookMs * restsPerReading, restMsMax)));
    const [oldest] = this.#rests.keys();
    if (oldest !== undefined && this.#rests.size > restsMax) this.#rests.delete(oldest);
  }
}

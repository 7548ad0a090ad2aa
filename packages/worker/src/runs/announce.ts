import { earliest, later, minutes, seconds } from '../clock.ts';
import { messageOf } from '../worker-log.ts';
import type { Run } from './run.ts';

// How long the address stays promised after the commands must have ended: time for artifacts and the rest.
const afterMaxRunTimeMs = minutes(15);

// The task does not wait long for somebody to be able to watch it.
const giveUpMs = seconds(10);

export interface Announcement {
  /** Completes "cannot be shown". */
  readonly what: string;
  /** The artifact that leads there. */
  readonly name: string;
  readonly contentType: string;
  readonly url: Promise<string>;
  readonly maxRunTimeSeconds: number;
  /** Aborts when nobody needs to know the address any more. */
  readonly over: AbortSignal;
}

/**
 * Lets an artifact lead to an address that is good while the task runs, and that is gone with the task at the latest.
 * Returns whether it does: a failure is only a line in the log.
 */
export const announce = async (
  { tools, claim, log, interrupted }: Run,
  { what, name, contentType, url: given, maxRunTimeSeconds, over }: Announcement,
): Promise<boolean> => {
  const { taskId, runId, task } = claim;
  try {
    const url = await before(over, given);
    if (url === undefined) return false;
    const end = later(tools.clock.now(), seconds(maxRunTimeSeconds) + afterMaxRunTimeMs);
    const expires = earliest(end, new Date(task.expires ?? task.deadline)).toJSON();
    const body = { storageType: 'reference', contentType, expires, url } as const;
    await claim.call((queue) => queue.createArtifact(taskId, runId, name, body), {
      signal: interrupted,
      giveUpAfterMs: giveUpMs,
    });
    return true;
  } catch (error) {
    log.error(`${what} cannot be shown: ${messageOf(error)}`);
    return false;
  }
};

/** The value of a promise; undefined when the signal aborts before. */
const before = <T>(signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    promise.then(resolve, reject);
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

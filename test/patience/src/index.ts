import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

export { databasesFolder } from './databases.ts';
export { leftOutFor } from './left-out.ts';
export { programAt } from './programs.ts';

// The only place where tests wait for time to pass, and where the bound of a wait is written. A bound tells a test
// that hangs from one that is slow; it is no statement about speed.

const setting = Number(process.env.TASKYARD_TEST_PATIENCE || 1);
if (!(setting > 0)) throw new Error('TASKYARD_TEST_PATIENCE must be a number above 0.');

/** How long one wait may take, in milliseconds: two minutes times `TASKYARD_TEST_PATIENCE`. */
export const patienceMs = 120_000 * setting;

const isThere = (seen: unknown): boolean => seen !== undefined && seen !== null && seen !== false;

const shown = (seen: unknown): string =>
  inspect(seen, { depth: 4, breakLength: 110, maxArrayLength: 20, maxStringLength: 2000 });

const waitedInVain = (what: string, seen?: { last: unknown }): Error =>
  new Error(
    `Waited ${patienceMs / 1000} s for ${what}.${seen ? ` What was last seen: ${shown(seen.last)}` : ''}`,
  );

/** The promise, unless it takes longer than that: then the error. */
const inTime = async <T>(promise: Promise<T>, milliseconds: number, tooLate: () => Error): Promise<T> => {
  let giveUp: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    giveUp = setTimeout(() => reject(tooLate()), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(giveUp);
  }
};

/**
 * Asks again and again until the answer is as wanted, and returns it. By default every answer is wanted but
 * `undefined`, `null` and `false`.
 *
 * @param what completes "waited for …" when the patience ends: "the task to complete"
 * @throws what `ask` throws, at once; when the patience ends, also while an answer is awaited, an error that shows
 *   the last answer
 */
export const eventually = async <T>(
  what: string,
  ask: () => T | Promise<T>,
  isWanted: (seen: T) => boolean = isThere,
): Promise<Exclude<T, undefined | null | false>> => {
  const giveUpAt = Date.now() + patienceMs;
  let seen: { last: T } | undefined;
  const tooLate = (): Error => waitedInVain(what, seen);
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const asked = (async () => ask())();
    const last = await inTime(asked, Math.max(0, giveUpAt - Date.now()), tooLate);
    seen = { last };
    if (isWanted(last)) return last as Exclude<T, undefined | null | false>;
    if (Date.now() > giveUpAt) throw tooLate();
    await sleep(pauseMs);
  }
};

/** Waits for a promise, but no longer than patience allows; then it throws an error that says for what. */
export const within = <T>(what: string, promise: Promise<T>): Promise<T> =>
  inTime(promise, patienceMs, () => waitedInVain(what));

/**
 * Lets time pass. For what a test simulates (a slow line, a pause between two attempts of a client), never for what
 * it waits for.
 */
export const pause = (milliseconds: number): Promise<void> => sleep(milliseconds);

import { RequestError } from '../base/index.ts';
import { nextTime, patternIn } from './cron/index.ts';

/** The first time of one pattern; what is wrong with the pattern is an InputError that names its place. */
const nextOf = (pattern: string, i: number, after: Date): Date | undefined => {
  try {
    return nextTime(patternIn(pattern), after);
  } catch (error) {
    const why = (error as Error).message;
    throw new RequestError('InputError', `schedule[${i}] '${pattern}' is not a cron pattern: ${why}`);
  }
};

/**
 * The first time strictly after `after` that one of some cron patterns names, in UTC; undefined when there is none. Throws
 * an InputError when one of them cannot be read.
 */
export const nextFire = (schedule: readonly string[], after: Date): Date | undefined => {
  const times = schedule.flatMap((pattern, i) => nextOf(pattern, i, after) ?? []);
  return times.sort((a, b) => a.getTime() - b.getTime())[0];
};

/** Whether a schedule names this time. */
export const names = (schedule: readonly string[], time: Date): boolean =>
  nextFire(schedule, new Date(time.getTime() - 1))?.getTime() === time.getTime();

// Each fire looks at all of them.
const patternsMax = 100;

/** Throws an InputError that names the first pattern that cannot be read, or that never comes. */
export const requireSoundSchedule = (schedule: readonly string[], now: Date): void => {
  if (schedule.length > patternsMax)
    throw new RequestError(
      'InputError',
      `schedule has ${schedule.length} patterns; ${patternsMax} are allowed.`,
    );
  schedule.forEach((pattern, i) => {
    if (!nextOf(pattern, i, now))
      throw new RequestError('InputError', `schedule[${i}] '${pattern}' names no time that ever comes.`);
  });
};

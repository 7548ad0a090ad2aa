import { Cron } from 'croner';
import { RequestError } from '../base/index.ts';

// As the original's patterns are: seconds may be left out, all is UTC, and `5/10` means from 5 on.
const options = { timezone: 'UTC', mode: '5-or-6-parts', sloppyRanges: true } as const;

const compile = (pattern: string): Cron => {
  // The library would take a date for a pattern that comes true once.
  if (/^\s*\d{4}-/.test(pattern)) throw new Error('this is a date, not a pattern.');
  return new Cron(pattern, options);
};

/** The first time after `after` that one of some cron patterns names; undefined when there is none. */
export const nextFire = (schedule: readonly string[], after: Date): Date | undefined => {
  const times = schedule.flatMap((pattern) => compile(pattern).nextRun(after) ?? []);
  return times.sort((a, b) => a.getTime() - b.getTime())[0];
};

// Each fire looks at all of them.
const patternsMax = 100;

/** Throws an InputError that names the first pattern that is none, or that names no time at all. */
export const requireSoundSchedule = (schedule: readonly string[], now: Date): void => {
  if (schedule.length > patternsMax)
    throw new RequestError(
      'InputError',
      `schedule has ${schedule.length} patterns; ${patternsMax} are allowed.`,
    );
  schedule.forEach((pattern, i) => {
    const reason = mistakeIn(pattern, now);
    if (reason)
      throw new RequestError('InputError', `schedule[${i}] '${pattern}' is no cron pattern: ${reason}`);
  });
};

/** A value that a field of a pattern names twice, which the original refuses: mostly it is a slip for another one. */
const repeatedIn = (pattern: string): string | undefined => {
  for (const field of pattern.trim().split(/\s+/)) {
    const values = field.split(',');
    const repeated = values.find((value, i) => values.indexOf(value) !== i);
    if (repeated !== undefined) return repeated;
  }
  return undefined;
};

const mistakeIn = (pattern: string, now: Date): string | undefined => {
  const repeated = repeatedIn(pattern);
  if (repeated !== undefined) return `it names ${repeated} twice.`;
  try {
    return compile(pattern).nextRun(now) ? undefined : 'it names no time that ever comes.';
  } catch (error) {
    return (error as Error).message;
  }
};

import { type Field, fieldIn, fieldKinds } from './fields.ts';

/** A cron pattern: the moments that it names, in UTC. Lists are in order. */
export interface Pattern {
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly seconds: readonly number[];
  readonly months: ReadonlySet<number>;
  readonly day: Field;
  readonly weekday: Field;
  /** Only the days of this week of their month: 2 is from the 8th to the 14th. */
  readonly week: number | undefined;
}

const named: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
  '@minutely': '0 * * * * *',
  '@secondly': '* * * * * *',
  '@weekdays': '0 0 0 * * 1-5',
  '@weekends': '0 0 0 * * 0,6',
};

/**
 * Reads a pattern of six fields, seconds first, or of five without them, as cron-parser 5 does, which the original uses.
 * Throws an Error whose message says what is wrong with it.
 */
export const patternIn = (text: string): Pattern => {
  const parts = (Object.hasOwn(named, text) ? (named[text] as string) : text).trim().split(/\s+/);
  if (parts.length === 5) parts.unshift('0');
  if (parts.length !== 6 || parts[0] === '') throw new Error('it does not have five or six fields.');
  const [second = '', minute = '', hour = '', day = '', month = '', weekday = ''] = parts;
  const { weekdays, week } = weekIn(weekday);
  const months = fieldIn(month, fieldKinds.month).values;
  const days = fieldIn(day, fieldKinds.day);
  requireDayOf(months, days);
  return {
    hours: inOrder(fieldIn(hour, fieldKinds.hour)),
    minutes: inOrder(fieldIn(minute, fieldKinds.minute)),
    seconds: inOrder(fieldIn(second, fieldKinds.second)),
    months,
    day: days,
    weekday: fieldIn(weekdays, fieldKinds.weekday),
    week,
  };
};

/** Refuses the days of a single month that has none of them: a slip, whatever weekdays are named beside. */
const requireDayOf = (months: ReadonlySet<number>, { values, lasts }: Field): void => {
  const [month = 0] = months;
  const lastDate = new Date(Date.UTC(2024, month, 0)).getUTCDate();
  if (months.size === 1 && lasts.size === 0 && Math.min(...values) > lastDate)
    throw new Error(`no month ${month} has a day ${Math.min(...values)}.`);
};

/** Takes apart `1#2`, the second Monday of a month. */
const weekIn = (weekday: string): { readonly weekdays: string; readonly week: number | undefined } => {
  const [weekdays = '', week, ...more] = weekday.split('#');
  if (week === undefined) return { weekdays, week: undefined };
  if (more.length > 0 || !/^[1-5]$/.test(week) || !/^\w+$/.test(weekdays) || weekdays.endsWith('L'))
    throw new Error(`the day of the week '${weekday}' is not one weekday, '#' and a number from 1 to 5.`);
  return { weekdays, week: Number(week) };
};

const inOrder = ({ values }: Field): number[] => [...values].sort((a, b) => a - b);

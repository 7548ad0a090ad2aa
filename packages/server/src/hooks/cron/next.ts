import type { Pattern } from './pattern.ts';

// The calendar repeats itself after this many years: what did not come by then never comes.
const yearsMax = 400;

/** A day of the calendar, as UTC counts. */
interface Day {
  readonly year: number;
  /** From 1 on, as in patterns. */
  readonly month: number;
  readonly date: number;
  readonly lastDate: number;
  readonly weekday: number;
}

const fitsDay = ({ day, weekday, week }: Pattern, of: Day): boolean => {
  if (week !== undefined && Math.ceil(of.date / 7) !== week) return false;
  const isLast = day.lasts.size > 0 && of.date === of.lastDate;
  const byDate = day.values.has(of.date) || isLast;
  const isLastWeekday = weekday.lasts.has(of.weekday) && of.date > of.lastDate - 7;
  const byWeekday = weekday.values.has(of.weekday) || isLastWeekday;
  // Both are restricted: either will do.
  if (!day.isFree && !weekday.isFree) return byDate || byWeekday;
  return day.isFree ? byWeekday : byDate;
};

/** The days from one on that a pattern names, in order; years have four digits. */
const daysFrom = function* (pattern: Pattern, from: Date): Generator<Day> {
  const begin = { year: from.getUTCFullYear(), month: from.getUTCMonth() + 1, date: from.getUTCDate() };
  for (let months = 0; months <= yearsMax * 12; months++) {
    const year = begin.year + Math.floor((begin.month - 1 + months) / 12);
    const month = ((begin.month - 1 + months) % 12) + 1;
    if (year > 9999) return;
    if (!pattern.months.has(month)) continue;
    const firstWeekday = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
    const lastDate = new Date(Date.UTC(year, month, 0)).getUTCDate();
    for (let date = months === 0 ? begin.date : 1; date <= lastDate; date++) {
      const day = { year, month, date, lastDate, weekday: (firstWeekday + date - 1) % 7 };
      if (fitsDay(pattern, day)) yield day;
    }
  }
};

/** The first time of a day, in its seconds, that is not before this one. */
const timeOfDay = ({ hours, minutes, seconds }: Pattern, from: number): number | undefined => {
  for (const hour of hours) {
    if ((hour + 1) * 3600 <= from) continue;
    for (const minute of minutes) {
      const begin = hour * 3600 + minute * 60;
      const second = seconds.find((count) => begin + count >= from);
      if (second !== undefined) return begin + second;
    }
  }
  return undefined;
};

const daySeconds = 24 * 60 * 60;

/** The first time that a pattern names strictly after another one; undefined when it never comes. */
export const nextTime = (pattern: Pattern, after: Date): Date | undefined => {
  const start = Math.floor(after.getTime() / 1000) + 1;
  const midnight = Math.floor(start / daySeconds) * daySeconds;
  for (const { year, month, date } of daysFrom(pattern, new Date(midnight * 1000))) {
    const begin = Date.UTC(year, month - 1, date) / 1000;
    const time = timeOfDay(pattern, start - begin);
    if (time !== undefined) return new Date((begin + time) * 1000);
  }
  return undefined;
};

import { fromNow } from '@taskyard/client';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

const year = 365.25 * 86_400;

/** How long ago a time was, for people: `3 h ago`; for a future time, `in 3 h`. */
export const ageText = (time: string, now = new Date()): string => {
  const seconds = Math.round((now.getTime() - Date.parse(time)) / 1000);
  const size = Math.abs(seconds);
  const [name, length] = units.find(([, unit]) => size >= unit) ?? ['s', 1];
  const count = size < 2 * year ? `${Math.floor(size / length)} ${name}` : `${Math.round(size / year)} years`;
  return seconds < 0 ? `in ${count}` : `${count} ago`;
};

/** A time in the output: its age on a terminal, the time itself for programs. */
export const shownTime = ({ stdout }: Io, time: string): string => (stdout.isTTY ? ageText(time) : time);

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** A time in the local time zone: `2026-11-30 08:13:52`; without the date when it is today. */
export const localText = (time: string, now = new Date()): string => {
  const at = new Date(time);
  const day = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join('-');
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
  return at.toDateString() === now.toDateString() ? clock : `${day} ${clock}`;
};

/** A time in UTC, to the second: `2026-11-30 08:13:52`. */
export const utcText = (time: string): string => time.slice(0, 19).replace('T', ' ');

/** A time in the output, to the second: local and with its age on a terminal, the time itself for programs. */
export const shownMoment = ({ stdout }: Io, time: string): string =>
  stdout.isTTY ? `${localText(time)} (${ageText(time)})` : time;

/** A time at the beginning of a line of output: local on a terminal, the time itself for programs. */
export const shownClock = ({ stdout }: Io, time: string): string => (stdout.isTTY ? localText(time) : time);

/** A time in the past: a date, or an age such as "2 days"; for commander. */
export const sinceOption = (text: string): Date => {
  const now = new Date();
  const date = /^\d{4}-/.test(text) ? new Date(text) : new Date(2 * now.getTime() - futureOf(text, now));
  if (Number.isNaN(date.getTime())) {
    throw new CommandError(
      exitCodes.usage,
      `--since: "${text}" is neither a date nor an age such as "2 days".`,
    );
  }
  return date;
};

const futureOf = (text: string, now: Date): number => {
  try {
    return fromNow(text, now).getTime();
  } catch {
    return Number.NaN;
  }
};

import { RequestError } from './errors.ts';

/** The last time that JSON and PostgreSQL write alike. */
export const lastDate = new Date('9999-12-31T23:59:59.999Z');

const [firstMs, lastMs] = [Date.parse('0001-01-01T00:00:00Z'), lastDate.getTime()];

/** Whether this is a time in the years 1 to 9999 of UTC. PostgreSQL and JSON write other years differently. */
export const isDate = (date: Date): boolean => date.getTime() >= firstMs && date.getTime() <= lastMs;

/**
 * Reads the times that callers send. Returns undefined for a time that does not exist, like the 61st second of a minute,
 * and for years outside 1 to 9999.
 */
export const dateIn = (text: string): Date | undefined => {
  const date = new Date(text);
  return isDate(date) ? date : undefined;
};

/** The same, but throws an InputError that names the field when the text is not such a time. */
export const requireDate = (text: string, field: string): Date => {
  const date = dateIn(text);
  if (date) return date;
  throw new RequestError('InputError', `${field} is '${text}', which is not a time in the years 1 to 9999.`);
};

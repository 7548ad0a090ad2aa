import { RequestError } from './errors.ts';

const [firstMs, lastMs] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

/** Is this a time in the years 1 to 9999 of UTC? Others have no form that PostgreSQL and JSON write alike. */
export const isDate = (date: Date): boolean => date.getTime() >= firstMs && date.getTime() <= lastMs;

/**
 * The one reader of the times that callers send: what is no time, like the 61st second of a minute, or none of the years
 * 1 to 9999, is undefined.
 */
export const dateIn = (text: string): Date | undefined => {
  const date = new Date(text);
  return isDate(date) ? date : undefined;
};

/** The same, and an InputError that names the field where the text is no such time. */
export const requireDate = (text: string, field: string): Date => {
  const date = dateIn(text);
  if (date) return date;
  throw new RequestError('InputError', `${field} is '${text}', which is not a time in the years 1 to 9999.`);
};

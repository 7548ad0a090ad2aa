import { RequestError } from '../base/index.ts';
import { isStorable } from './body.ts';

/** One page of a listing, and the token for the next where there is more. */
export interface Page<Row> {
  readonly rows: Row[];
  readonly continuationToken?: string;
}

const rowsDefault = 1000;

/** How many rows to read for a page: one more than it holds, to know whether another follows. */
export const pageLimit = (limit: number | undefined): number => Math.max(1, limit ?? rowsDefault) + 1;

/** Cuts rows that were read with {@link pageLimit} to a page; `keyOf` names the row after which the next one starts. */
export const pageOf = <Row>(
  rows: Row[],
  limit: number | undefined,
  keyOf: (row: Row) => readonly (string | number)[],
): Page<Row> => {
  const size = pageLimit(limit) - 1;
  const last = rows[size - 1];
  if (rows.length <= size || !last) return { rows };
  return {
    rows: rows.slice(0, size),
    continuationToken: Buffer.from(JSON.stringify(keyOf(last))).toString('base64url'),
  };
};

// The largest time that PostgreSQL and JavaScript both know has fewer milliseconds, and no listing more rows.
const wholeMax = 2 ** 52;

const isWhole = (part: unknown): part is number =>
  Number.isInteger(part) && Math.abs(Number(part)) <= wholeMax;

const isKey = (value: unknown): value is (string | number)[] =>
  Array.isArray(value) &&
  value.every((part) => (typeof part === 'string' ? isStorable(part) : isWhole(part)));

const decode = (token: string): (string | number)[] | undefined => {
  try {
    const key = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown;
    return isKey(key) ? key : undefined;
  } catch {
    return undefined;
  }
};

/** The key in a continuation token; a token that this server did not make is a 400. */
export const keyIn = (token: string | undefined): (string | number)[] | undefined => {
  if (token === undefined) return undefined;
  const key = decode(token);
  if (!key) throw new RequestError('InputError', 'Invalid continuation token');
  return key;
};

/** The same, but a garbled token starts the listing from its beginning. */
export const keyInOrStart = (token: string | undefined): (string | number)[] | undefined =>
  token === undefined ? undefined : decode(token);

/** The part of a key that counts something, or is a time in milliseconds; 0 where a token does not hold one. */
export const countIn = (part: string | number | undefined): number => (isWhole(part) ? Math.max(0, part) : 0);

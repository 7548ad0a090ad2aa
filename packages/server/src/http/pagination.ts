import { RequestError } from '../base/index.ts';

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

const decode = (token: string): (string | number)[] | undefined => {
  try {
    const key = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown;
    return Array.isArray(key) ? (key as (string | number)[]) : undefined;
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

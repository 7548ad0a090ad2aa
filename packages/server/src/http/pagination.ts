import { RequestError } from '../base/index.ts';
import { isStorable } from './body.ts';

/** The query parameters of a listing, as `pagination` declares them. */
export interface PageQuery {
  readonly limit?: number | undefined;
  readonly continuationToken?: string | undefined;
}

/** One page of a listing, and the token of the next page if there is one. */
export interface Page<Row> {
  readonly rows: Row[];
  readonly continuationToken?: string;
}

/** The kind of a part of a key: a text, or a whole number from 0 on, like a count or a time in milliseconds. */
type Kind = 'text' | 'whole';

type KeyOf<Kinds extends readonly Kind[]> = { [I in keyof Kinds]: Kinds[I] extends 'text' ? string : number };

/** The pages of one listing: rows are sorted by a key, and a token holds the key of the last row of a page. */
export interface Pages<Key extends readonly (string | number)[]> {
  /** The key in a continuation token. A token that this listing did not issue is refused with 400. */
  keyIn(token: string | undefined): Key | undefined;
  /** The same, but such a token returns to the first page. */
  keyInOrStart(token: string | undefined): Key | undefined;
  /** The token for what follows a key. */
  tokenAfter(key: Key): string;
  /** Cuts rows that were read with {@link pageLimit} to a page. */
  pageOf<Row>(rows: Row[], limit: number | undefined, keyOf: (row: Row) => Key): Page<Row>;
}

const rowsDefault = 1000;

/** How many rows to read for a page: one more than it holds, to know whether another follows. */
export const pageLimit = (limit: number | undefined): number => Math.max(1, limit ?? rowsDefault) + 1;

// The largest time of both PostgreSQL and JavaScript has fewer milliseconds, and no listing has more rows.
const wholeMax = 2 ** 52;

const fits: Readonly<Record<Kind, (part: unknown) => boolean>> = {
  text: (part) => typeof part === 'string' && isStorable(part),
  whole: (part) => Number.isInteger(part) && Number(part) >= 0 && Number(part) <= wholeMax,
};

const jsonIn = (token: string): unknown => {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
};

/**
 * Defines the tokens of a listing. A token contains the listing's name and the parts of a key, so that tokens of other
 * listings and invented ones are refused. `kinds` says what each part must be.
 */
export const pagesOf = <const Kinds extends readonly Kind[]>(
  listing: string,
  kinds: Kinds,
): Pages<KeyOf<Kinds>> => {
  const keyInOrStart = (token: string | undefined): KeyOf<Kinds> | undefined => {
    const value = token === undefined ? undefined : jsonIn(token);
    if (!Array.isArray(value)) return undefined;
    const [name, ...key] = value as unknown[];
    const isKey = name === listing && key.length === kinds.length;
    return isKey && kinds.every((kind, i) => fits[kind](key[i])) ? (key as KeyOf<Kinds>) : undefined;
  };
  const tokenAfter = (key: KeyOf<Kinds>): string =>
    Buffer.from(JSON.stringify([listing, ...key])).toString('base64url');
  return {
    keyInOrStart,
    tokenAfter,
    keyIn: (token) => {
      const key = keyInOrStart(token);
      if (token === undefined || key) return key;
      throw new RequestError(
        'InputError',
        'Invalid continuation token: continuationToken must come from an earlier page of this listing.',
      );
    },
    pageOf: (rows, limit, keyOf) => {
      const size = pageLimit(limit) - 1;
      const last = rows[size - 1];
      if (rows.length <= size || last === undefined) return { rows };
      return { rows: rows.slice(0, size), continuationToken: tokenAfter(keyOf(last)) };
    },
  };
};

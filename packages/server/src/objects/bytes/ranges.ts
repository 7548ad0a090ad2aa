/** A part of some bytes, by its first and its last byte. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * The part that a `Range` header asks for, of `length` bytes: a range, `unsatisfiable`, or undefined when all
 * of them are to be sent. Units other than bytes, several ranges and invalid ones are ignored, as RFC 9110 allows.
 */
export const rangeOf = (header: string | undefined, length: number): Range | 'unsatisfiable' | undefined => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '');
  if (!match) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const suffix = Math.min(Number(to), length);
    return suffix === 0 ? 'unsatisfiable' : { first: length - suffix, last: length - 1 };
  }
  const first = Number(from);
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= length ? 'unsatisfiable' : { first, last };
};

/** Whether an `If-Range` header allows a range. Dates never do, since bytes are identified by their ETag. */
export const allowsRange = (ifRange: string | undefined, etag: string): boolean =>
  ifRange === undefined || ifRange === etag;

/** Whether an `If-None-Match` header says that the caller already has these bytes. */
export const isKnown = (ifNoneMatch = '', etag: string): boolean =>
  ifNoneMatch.split(',').some((known) => [etag, '*'].includes(known.trim().replace(/^W\//, '')));

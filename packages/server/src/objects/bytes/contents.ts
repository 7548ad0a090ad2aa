import { Readable } from 'node:stream';
import type { OpenFile } from './disk-files.ts';
import { signedPath } from './signed-url.ts';

/** Few bytes that a higher domain keeps, with what their readers are told. */
export interface KeptContent {
  readonly bytes: Buffer;
  /** Of these bytes, in hexadecimal. */
  readonly sha256: string;
  readonly contentType: string;
  readonly contentEncoding?: string | undefined;
}

/** Few bytes that a higher domain keeps, which this server sends by URLs that it signs. */
export interface Contents {
  /** Signs the URLs. All processes must have the same. */
  readonly secret: string;
  /** The bytes at a key; undefined when there are none. */
  read(key: string): Promise<KeptContent | undefined>;
}

/** What their URLs have in the place of a backend's name, which begins with a letter. */
export const contentsName = '.contents';

/** A URL from which kept bytes can be fetched, whether or not there are any. */
export const contentUrl = (
  { contents, rootUrl }: { readonly contents?: Contents | undefined; rootUrl(): string },
  { key, expires }: { readonly key: string; readonly expires: Date },
): string => {
  if (!contents) throw new Error('Nobody keeps contents here.');
  return rootUrl() + signedPath(contents.secret, { method: 'GET', key, expires }, contentsName);
};

/** Kept bytes, as files on disk are read. */
export const openContent = async (contents: Contents, key: string): Promise<OpenFile | undefined> => {
  const found = await contents.read(key);
  if (!found) return undefined;
  const { bytes, contentEncoding, ...about } = found;
  return {
    about: { ...about, contentLength: bytes.length, ...(contentEncoding ? { contentEncoding } : {}) },
    read: (first, last) => Readable.from([bytes.subarray(first, last + 1)], { objectMode: false }),
    close: async () => {},
  };
};

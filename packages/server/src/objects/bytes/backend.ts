/** What a backend knows of the bytes at a key. */
export interface StoredBytes {
  readonly contentType: string;
  readonly contentLength: number;
}

/** A request that whoever holds it may make once or more, until it expires. */
export interface SignedUpload {
  readonly url: string;
  readonly expires: Date;
  /** To be sent exactly like this. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface UploadTerms {
  readonly contentType: string;
  /** In bytes; any length when absent. */
  readonly contentLength?: number;
  readonly expires: Date;
}

export type HashAlgorithm = 'sha256' | 'sha512';

/** A place where bytes live, by key. Keys are printable ASCII; they are made here, never by a caller. */
export interface Backend {
  /** A URL to which the bytes of a key can be PUT. Earlier bytes are replaced, where they may be. */
  uploadUrl(key: string, terms: UploadTerms): Promise<SignedUpload>;
  /** A URL from which the bytes of a key can be fetched, whether or not they have arrived. */
  downloadUrl(key: string, expires: Date): Promise<string>;
  /** For a few bytes that are in memory anyway. */
  write(key: string, bytes: Buffer, contentType: string): Promise<StoredBytes>;
  /** What is stored at a key; undefined when nothing is. */
  find(key: string): Promise<StoredBytes | undefined>;
  /**
   * The hash of the bytes at a key, in hexadecimal; undefined where the backend would have to fetch them for
   * it.
   */
  hash(key: string, algorithm: HashAlgorithm): Promise<string | undefined>;
  /** The file of this machine that holds the bytes of a key, where there is one. */
  locate(key: string): Promise<string | undefined>;
  /** From now on the bytes at this key cannot be replaced, as far as the backend can see to that. */
  seal(key: string): Promise<void>;
  /** Deletes the bytes at these keys; returns the keys that are free now, whether or not bytes were there. */
  remove(keys: readonly string[]): Promise<string[]>;
}

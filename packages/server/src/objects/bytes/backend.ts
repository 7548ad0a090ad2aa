/** The properties of the bytes at a key. */
export interface StoredBytes {
  readonly contentType: string;
  readonly contentLength: number;
}

/** A signed request. Anyone who has it may send it any number of times until it expires. */
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

export interface PartsTerms extends UploadTerms {
  /** In bytes. */
  readonly contentLength: number;
  readonly contentEncoding?: 'gzip' | undefined;
  /** An upload that was begun before, whose URLs are signed again. */
  readonly uploadId?: string | undefined;
}

/** An upload in parts. */
export interface PartsUpload {
  readonly uploadId: string;
  /** The length of each part but the last, in bytes. */
  readonly partLength: number;
  /** For each part the URL that it is PUT to. Each reply has an `etag`. */
  readonly urls: readonly string[];
  readonly expires: Date;
}

/** Parts that have been uploaded. */
export interface FinishedParts {
  readonly uploadId: string;
  /** What the store replied to each part. */
  readonly etags: readonly string[];
  /** Of all parts, in bytes. */
  readonly contentLength: number;
}

/** Stores large bytes in parts, each of which can be sent again by itself. */
export interface PartsBackend {
  begin(key: string, terms: PartsTerms): Promise<PartsUpload>;
  /** Makes the parts the bytes of the key. Safe to repeat. Throws an InputError when they are not those of the upload. */
  join(key: string, parts: FinishedParts): Promise<void>;
  /** Gives up an upload, whose parts go. Does nothing when it was joined or given up before. */
  abort(key: string, uploadId: string): Promise<void>;
}

/** Stores bytes by key. Keys are printable ASCII, and never chosen by a caller. */
export interface Backend {
  /** A URL to which the bytes of a key can be PUT. Earlier bytes are replaced if that is allowed. */
  uploadUrl(key: string, terms: UploadTerms): Promise<SignedUpload>;
  /** Absent in a backend that takes the bytes of a key by one request only. */
  readonly parts?: PartsBackend;
  /** A URL from which the bytes of a key can be fetched, whether or not they have arrived. */
  downloadUrl(key: string, expires: Date): Promise<string>;
  /** Stores few bytes that are in memory. */
  write(key: string, bytes: Buffer, contentType: string): Promise<StoredBytes>;
  /** What is stored at a key; undefined when nothing is. */
  find(key: string): Promise<StoredBytes | undefined>;
  /**
   * The hash of the bytes at a key, in hexadecimal; undefined when the backend would have to fetch the bytes for it.
   */
  hash(key: string, algorithm: HashAlgorithm): Promise<string | undefined>;
  /** The file on this machine with the bytes of a key, if there is one. */
  locate(key: string): Promise<string | undefined>;
  /** Prevents the bytes at this key from being replaced, if the backend can. */
  seal(key: string): Promise<void>;
  /** Deletes the bytes at these keys; returns the keys that are free now, whether or not bytes were there. */
  remove(keys: readonly string[]): Promise<string[]>;
}

import { type ArtifactSource, DownloadError } from '@taskyard/client/browser';
import type { Span } from './log-text.ts';

const open = async (url: string, signal: AbortSignal, range?: string): Promise<Response> => {
  const response = await fetch(url, { signal, ...(range ? { headers: { range } } : {}) });
  if (response.ok) return response;
  throw new DownloadError(url, `HTTP status ${response.status}`, response.status);
};

type Source = Pick<ArtifactSource, 'url' | 'storageType'>;

/** The reading of one log, over as many connections as it takes: each goes on where the one before was cut off. */
export class LogReading {
  readonly #onBytes: (bytes: Uint8Array) => void | Promise<void>;
  /** The bytes before this one have been handed on. */
  #position = 0;

  /** Bytes that follow on all that came before are handed to `onBytes`; no more is read before it is done. */
  constructor(onBytes: (bytes: Uint8Array) => void | Promise<void>) {
    this.#onBytes = onBytes;
  }

  /** Reads a source to its end. Throws when it is cut off; the next call takes the reading up there. */
  async readFrom({ url, storageType }: Source, signal: AbortSignal): Promise<void> {
    const wanted = new URL(url);
    // Who shows a live log begins where asked, and says so. A log that was kept may be compressed, where no offset helps.
    if (this.#position > 0 && storageType === 'reference')
      wanted.searchParams.set('from', String(this.#position));
    const { body, headers } = await open(wanted.href, signal);
    let knownBytes = this.#position - Number(headers.get('x-log-offset') ?? 0);
    const reader = body?.getReader();
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      const fresh = read.value.subarray(Math.min(knownBytes, read.value.length));
      knownBytes = Math.max(0, knownBytes - read.value.length);
      this.#position += fresh.length;
      if (fresh.length > 0) await this.#onBytes(fresh);
    }
  }
}

/** The bytes of a body, one span after the other. */
class Forward {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #rest: Uint8Array = new Uint8Array(0);
  /** The offset of the next byte. */
  position = 0;

  constructor({ body }: Response) {
    this.#reader = body?.getReader();
  }

  async read({ offset, length }: Span): Promise<Uint8Array> {
    const span = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      if (this.#rest.length === 0) {
        const { value } = (await this.#reader?.read()) ?? {};
        if (!value) return span.subarray(0, filled);
        this.#rest = value;
      }
      const skipped = Math.min(this.#rest.length, Math.max(0, offset - this.position));
      const taken = this.#rest.subarray(skipped, skipped + length - filled);
      span.set(taken, filled);
      filled += taken.length;
      this.position += skipped + taken.length;
      this.#rest = this.#rest.subarray(skipped + taken.length);
    }
    return span;
  }

  cancel(): void {
    this.#reader?.cancel().catch(() => {});
  }
}

/**
 * Reads parts of a log that has been read before: by ranges, or, where the log is kept compressed or the other side knows
 * no ranges, from its beginning on. That reading stays open, since what is wanted next comes after it as a rule.
 */
export class LogParts {
  readonly #locate: (signal: AbortSignal) => Promise<Source>;
  readonly #signal: AbortSignal;
  #hasRanges = true;
  #forward: Forward | undefined;

  constructor(locate: (signal: AbortSignal) => Promise<Source>, signal: AbortSignal) {
    this.#locate = locate;
    this.#signal = signal;
  }

  /** The bytes of a span; fewer when the log has become shorter. */
  async read(span: Span): Promise<Uint8Array> {
    if (this.#hasRanges) {
      const bytes = await this.#readRange(span);
      if (bytes) return bytes;
      this.#hasRanges = false;
    }
    if (!this.#forward || this.#forward.position > span.offset) {
      this.#forward?.cancel();
      this.#forward = new Forward(await open((await this.#locate(this.#signal)).url, this.#signal));
    }
    try {
      const bytes = await this.#forward.read(span);
      // A reading that has ended brings nothing more: the next one begins anew.
      if (bytes.length < span.length) this.#forward = undefined;
      return bytes;
    } catch (error) {
      this.#forward = undefined;
      throw error;
    }
  }

  /** Undefined where there are no ranges. Browsers do not tell of all servers whether a log is compressed: then a part of it is no text. */
  async #readRange({ offset, length }: Span): Promise<Uint8Array | undefined> {
    const { url } = await this.#locate(this.#signal);
    const given = new AbortController();
    try {
      const response = await open(
        url,
        AbortSignal.any([given.signal, this.#signal]),
        `bytes=${offset}-${offset + length - 1}`,
      );
      const isPart = response.status === 206 && !response.headers.has('content-encoding');
      const bytes = isPart ? new Uint8Array(await response.arrayBuffer()) : undefined;
      if (bytes?.length === length) return bytes;
    } catch (error) {
      if (this.#signal.aborted) throw error;
    } finally {
      given.abort();
    }
    return undefined;
  }
}

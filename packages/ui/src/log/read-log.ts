import { type ArtifactSource, DownloadError } from '@taskyard/client/browser';

/** A log larger than this is shown from so far before its end. */
const bytesMax = 64 * 2 ** 20;

/** Who reads a log. */
export interface LogReader {
  readonly signal: AbortSignal;
  /** Text that follows on all that came before. */
  readonly onText: (text: string) => void;
  /** So many bytes at the beginning are not shown. */
  readonly onLeftOut: (bytes: number) => void;
}

const open = async (url: string, signal: AbortSignal, range?: string): Promise<Response> => {
  const response = await fetch(url, { signal, ...(range ? { headers: { range } } : {}) });
  if (response.ok) return response;
  throw new DownloadError(url, `HTTP status ${response.status}`, response.status);
};

/** The bytes of a log from an offset on. */
interface Opened {
  readonly body: Response['body'];
  readonly offset: number;
}

/** The reading of one log, over as many connections as it takes: each goes on where the one before was cut off. */
export class LogReading {
  readonly #reader: LogReader;
  readonly #decoder = new TextDecoder();
  /** The bytes before this one have been handed on or left out. */
  #position = 0;

  constructor(reader: LogReader) {
    this.#reader = reader;
  }

  /** Reads a source to its end. Throws when it is cut off; the next call takes the reading up there. */
  async readFrom(source: Pick<ArtifactSource, 'url' | 'storageType'>): Promise<void> {
    const { body, offset } = await this.#open(source);
    let knownBytes = this.#position - offset;
    const reader = body?.getReader();
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      const fresh = read.value.subarray(Math.min(knownBytes, read.value.length));
      knownBytes = Math.max(0, knownBytes - read.value.length);
      this.#position += fresh.length;
      if (fresh.length > 0) this.#reader.onText(this.#decoder.decode(fresh, { stream: true }));
    }
  }

  async #open({ url, storageType }: Pick<ArtifactSource, 'url' | 'storageType'>): Promise<Opened> {
    if (this.#position === 0) return this.#openEnd(url);
    const wanted = new URL(url);
    // Who shows a live log begins where asked, and says so. A log that was kept may be compressed, where no offset helps.
    if (storageType === 'reference') wanted.searchParams.set('from', String(this.#position));
    const { body, headers } = await open(wanted.href, this.#reader.signal);
    return { body, offset: Number(headers.get('x-log-offset') ?? 0) };
  }

  /** Opens the log, or its end where it is very large. */
  async #openEnd(url: string): Promise<Opened> {
    const { signal, onLeftOut } = this.#reader;
    const whole = await open(url, signal);
    const size = Number(whole.headers.get('content-length') ?? 0);
    if (size <= bytesMax) return { body: whole.body, offset: 0 };
    await whole.body?.cancel();
    const end = await open(url, signal, `bytes=-${bytesMax}`);
    this.#position = end.status === 206 ? size - bytesMax : 0;
    onLeftOut(this.#position);
    return { body: end.body, offset: this.#position };
  }
}

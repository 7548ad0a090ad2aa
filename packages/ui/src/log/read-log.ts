import { type ArtifactSource, DownloadError } from '@taskyard/client/browser';

/** Of a log larger than this no more than so much is fetched, from its end. */
const bytesMax = 64 * 2 ** 20;

/** Who reads a log. */
export interface LogReader {
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

/** Compressed bytes can be read from their beginning only; of other servers browsers do not tell whether they are. */
const mayBeCut = ({ headers, type }: Response): boolean =>
  type !== 'cors' && !headers.has('content-encoding');

/** The bytes of a log from an offset on. */
interface Opened {
  readonly body: Response['body'];
  readonly offset: number;
}

type Source = Pick<ArtifactSource, 'url' | 'storageType'>;

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
  async readFrom(source: Source, signal: AbortSignal): Promise<void> {
    const { body, offset } = await this.#open(source, signal);
    let knownBytes = this.#position - offset;
    const reader = body?.getReader();
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      const fresh = read.value.subarray(Math.min(knownBytes, read.value.length));
      knownBytes = Math.max(0, knownBytes - read.value.length);
      this.#position += fresh.length;
      if (fresh.length > 0) this.#reader.onText(this.#decoder.decode(fresh, { stream: true }));
    }
  }

  async #open({ url, storageType }: Source, signal: AbortSignal): Promise<Opened> {
    if (this.#position === 0) return this.#openEnd(url, signal);
    const wanted = new URL(url);
    // Who shows a live log begins where asked, and says so. A log that was kept may be compressed, where no offset helps.
    if (storageType === 'reference') wanted.searchParams.set('from', String(this.#position));
    const { body, headers } = await open(wanted.href, signal);
    return { body, offset: Number(headers.get('x-log-offset') ?? 0) };
  }

  /** Opens the log, or its end where it is very large. */
  async #openEnd(url: string, signal: AbortSignal): Promise<Opened> {
    const { onLeftOut } = this.#reader;
    const whole = await open(url, signal);
    const size = Number(whole.headers.get('content-length') ?? 0);
    if (size <= bytesMax || !mayBeCut(whole)) return { body: whole.body, offset: 0 };
    await whole.body?.cancel();
    const end = await open(url, signal, `bytes=-${bytesMax}`);
    this.#position = end.status === 206 ? size - bytesMax : 0;
    onLeftOut(this.#position);
    return { body: end.body, offset: this.#position };
  }
}

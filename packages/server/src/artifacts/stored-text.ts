import { type Logger, seconds } from '../base/index.ts';
import type { Reply } from '../http/index.ts';

const fetchMs = seconds(30);

/**
 * Where the stored bytes of an artifact are, by the reply that redirects to it. References are not followed: a task may
 * point them anywhere, and what is found there would be shown.
 */
export const storedUrl = ({ body }: Pick<Reply, 'body'>): string | undefined => {
  const { storageType, url } = (body ?? {}) as { storageType?: string; url?: string };
  return storageType === 's3' || storageType === 'object' ? url : undefined;
};

/** How the text of an artifact is read. */
export interface TextReading {
  readonly bytesMax: number;
  readonly log: Logger;
  /** The text is not whole: it is longer than the bound, or reading it failed. */
  readonly onCut?: () => void;
}

/** The text at a URL in pieces, up to a bound in bytes; it ends early where reading fails. */
export async function* textAt(
  url: string,
  { bytesMax, log, onCut = () => {} }: TextReading,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(fetchMs) });
    if (!reply.ok) onCut();
    if (!reply.ok || !reply.body) return;
    for await (const piece of reply.body) {
      bytes += piece.length;
      yield decoder.decode(piece, { stream: true });
      if (bytes > bytesMax) {
        onCut();
        return;
      }
    }
  } catch (err) {
    onCut();
    log.info({ err }, 'an artifact of a task could not be read');
  }
}

/** The lines of a text that comes in pieces. One that is longer than 100,000 characters keeps its end. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    // A line without an end must not fill the memory.
    rest = (lines.pop() ?? '').slice(-100_000);
    yield* lines;
  }
  if (rest !== '') yield rest;
}

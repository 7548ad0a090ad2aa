import { RequestError, seconds } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { type Excerpt, LogReader } from './excerpt.ts';

// What is longer is not read to its end: a log may have gigabytes.
const [logBytesMax, artifactBytesMax, fetchMs] = [64 * 2 ** 20, 2 ** 20, seconds(30)];

interface Run {
  readonly taskId: string;
  readonly runId: number;
}

/** What GitHub shows is for everybody who sees the repository. */
const isPublic = (name: string): boolean => name.startsWith('public/');

/**
 * Where the bytes of an artifact are; undefined when there is none. References are not followed: a task may point them
 * anywhere, and what is found there would be shown.
 */
const urlOf = async (
  { artifacts }: Context,
  { taskId, runId }: Run,
  name: string,
): Promise<string | undefined> => {
  if (!isPublic(name)) return undefined;
  const reply = await artifacts
    .getArtifact({ taskId, runId, name, authorize: () => {} })
    .catch((error: unknown) => {
      if (error instanceof RequestError) return undefined;
      throw error;
    });
  const { storageType, url } = (reply?.body ?? {}) as { storageType?: string; url?: string };
  return storageType === 's3' || storageType === 'object' ? url : undefined;
};

/** The pieces of what is at a URL, as text, up to a bound; it ends early where reading fails. */
async function* piecesAt(context: Context, url: string, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(fetchMs) });
    if (!reply.ok || !reply.body) return;
    for await (const piece of reply.body) {
      bytes += piece.length;
      yield decoder.decode(piece, { stream: true });
      if (bytes > bytesMax) return;
    }
  } catch (err) {
    context.log.info({ err }, 'an artifact of a task could not be read for GitHub');
  }
}

/** The text of an artifact; undefined when there is none that people may read. */
export const readText = async (context: Context, run: Run, name: string): Promise<string | undefined> => {
  const url = await urlOf(context, run, name);
  if (url === undefined) return undefined;
  let text = '';
  for await (const piece of piecesAt(context, url, artifactBytesMax)) text += piece;
  return text;
};

const logNames = ['public/logs/live_backing.log', 'public/logs/live.log'];

/** The lines of a run's log that tell why it failed; undefined when it has none. */
export const readFirstError = async (
  context: Context,
  run: Run,
  ownLog?: string,
): Promise<Excerpt | undefined> => {
  for (const name of ownLog === undefined ? logNames : [ownLog, ...logNames]) {
    const url = await urlOf(context, run, name);
    if (url === undefined) continue;
    const reader = new LogReader();
    let rest = '';
    for await (const piece of piecesAt(context, url, logBytesMax)) {
      const lines = (rest + piece).split('\n');
      // A line without an end must not fill the memory.
      rest = (lines.pop() ?? '').slice(-100_000);
      for (const line of lines) reader.add(line);
    }
    if (rest !== '') reader.add(rest);
    return reader.result();
  }
  return undefined;
};

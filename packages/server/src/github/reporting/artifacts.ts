import { linesOf, storedUrl, textAt } from '../../artifacts/index.ts';
import { RequestError } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { type Excerpt, LogReader } from '../excerpt.ts';

// What is longer is not read to its end: a log may have gigabytes.
const logBytesMax = 64 * 2 ** 20;
/** How much is read of what a task wants to be shown. */
export const artifactBytesMax = 2 ** 20;

/** A run of a task. */
export interface Run {
  readonly taskId: string;
  readonly runId: number;
}

/** What GitHub shows is for everybody who sees the repository. */
const isPublic = (name: string): boolean => name.startsWith('public/');

/** Where the bytes of an artifact are; undefined when there is none that may be shown. */
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
  return reply && storedUrl(reply);
};

/** The text of an artifact; undefined when there is none that people may read. */
export const readText = async (context: Context, run: Run, name: string): Promise<string | undefined> => {
  const url = await urlOf(context, run, name);
  if (url === undefined) return undefined;
  let text = '';
  const { log } = context;
  for await (const piece of textAt(url, { bytesMax: artifactBytesMax, log })) text += piece;
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
    const { log } = context;
    for await (const line of linesOf(textAt(url, { bytesMax: logBytesMax, log }))) reader.add(line);
    return reader.result();
  }
  return undefined;
};

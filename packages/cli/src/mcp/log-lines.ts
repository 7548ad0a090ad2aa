import { ApiError, openArtifact, type Queue } from '@taskyard/client';
import { type Excerpt, excerptOf } from '../follow/log-excerpt.ts';
import { harmless } from '../io.ts';

const logName = 'public/logs/live.log';
const columnsMax = 400;
/** Of a log that is still written, what comes within this time. */
const liveMs = 2000;

/** Which part of which log. */
export interface LogWish {
  readonly taskId: string;
  readonly runId?: number | undefined;
  /** The number of the first line, from 1. Without it, the lines around the first error, or else the last ones. */
  readonly fromLine?: number | undefined;
  readonly lines: number;
}

/** A part of a log. */
export interface LogLines extends Excerpt {
  readonly taskId: string;
  readonly runId: number;
  /** The run is not over: more may come. */
  readonly isLive: boolean;
}

/** What comes of a body until it ends or `over` aborts. */
async function* upTo(body: ReadableStream<Uint8Array>, over: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const ended = new Promise<undefined>((resolve) => {
    over.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    for (;;) {
      const read = await Promise.race([reader.read(), ended]);
      if (!read || read.done) return;
      yield read.value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** So many lines of a text that arrives in pieces, from a number on. */
const linesFrom = async (
  pieces: AsyncIterable<Uint8Array>,
  { from, count }: { from: number; count: number },
): Promise<Excerpt> => {
  const decoder = new TextDecoder();
  const kept: string[] = [];
  let number = 0;
  let rest = '';
  const add = (line: string): void => {
    number += 1;
    if (number >= from && kept.length < count) kept.push(harmless(line).slice(0, columnsMax));
  };
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, 100_000);
    for (const line of lines) add(line);
    if (kept.length >= count) break;
  }
  if (rest !== '') add(rest);
  return { lines: kept, firstLine: from, isError: false };
};

/** Reads a part of the log of a run, by default of the latest. Of a live log, it reads what is there. */
export const readLogLines = async (queue: Queue, wish: LogWish): Promise<LogLines> => {
  const { taskId, fromLine, lines } = wish;
  const { status } = await queue.status(taskId);
  const runId = wish.runId ?? status.runs.length - 1;
  const run = status.runs[runId];
  if (!run?.started) throw new Error(`Run ${runId} of ${taskId} has no log: no worker has begun it.`);
  const isLive = run.state === 'running';
  try {
    const { response } = await openArtifact(queue, { taskId, runId, name: logName });
    if (!response.body) throw new Error('The log is empty.');
    // The time begins here: a worker that takes long to answer would leave none to read in.
    const over = isLive ? AbortSignal.timeout(liveMs) : new AbortController().signal;
    const pieces = upTo(response.body, over);
    const found =
      fromLine === undefined
        ? await excerptOf(pieces)
        : await linesFrom(pieces, { from: fromLine, count: lines });
    return { taskId, runId, isLive, ...found };
  } catch (error) {
    if (!(error instanceof ApiError) || error.statusCode !== 404) throw error;
    throw new Error(`Run ${runId} of ${taskId} has no log.`);
  }
};

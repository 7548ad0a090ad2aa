import { DownloadError, locateArtifact, pause } from '@taskyard/client/browser';
import { useEffect, useState } from 'react';
import { api } from '../session/api.ts';
import { FirstError } from './log-scan.ts';
import { LogText } from './log-text.ts';
import { LogParts, LogReading } from './read-log.ts';

export interface Log {
  readonly text: LogText;
  /** Changes whenever lines have come, or come back. */
  readonly version: number;
  readonly isOver: boolean;
  readonly error?: unknown;
  /** The number of the line where the trouble begins, from 0; -1 while there is none. */
  readonly errorAt: number;
  /** Why lines that were let go could not be read again. */
  readonly lost?: unknown;
  /** Reads again what was let go, so that a line is there. */
  readonly want: (number: number, purpose: 'show' | 'search') => void;
}

export interface LogRef {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
}

const retryMs = 500;

/** Whether the run is over: then there will be no other log than there is. */
const isRunOver = async ({ taskId, runId }: LogRef): Promise<boolean> => {
  const { status } = await (await api()).queue.status(taskId);
  const run = status.runs[runId];
  return run !== undefined && run.state !== 'running' && run.state !== 'pending';
};

const locate = async ({ taskId, runId, name }: LogRef, signal: AbortSignal) => {
  const { queue } = await api();
  return locateArtifact(queue, { taskId, runId, name }, signal);
};

/** Resolves when the page is visible again. */
const shown = (leaving: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const check = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', check);
      resolve();
    };
    document.addEventListener('visibilitychange', check, { signal: leaving });
    leaving.addEventListener('abort', () => reject(leaving.reason), { once: true });
    check();
  });

/** Aborts when the page is left, or when it is hidden. */
const whileShown = (leaving: AbortSignal): AbortSignal => {
  const hidden = new AbortController();
  const check = () => {
    if (document.hidden) hidden.abort();
  };
  const either = AbortSignal.any([leaving, hidden.signal]);
  document.addEventListener('visibilitychange', check, { signal: either });
  check();
  return either;
};

// A log that has ended is that of a worker that has ended, or of a run: only then it is whole.
const readAll = async (
  ref: LogRef,
  onBytes: (bytes: Uint8Array) => Promise<void>,
  leaving: AbortSignal,
): Promise<void> => {
  const reading = new LogReading(onBytes);
  for (;;) {
    // A live log holds a connection, of which a browser has six for all tabs: a hidden tab needs none.
    if (document.hidden) await shown(leaving);
    const wasOver = await isRunOver(ref);
    let connection = leaving;
    try {
      const source = await locate(ref, leaving);
      if (source.storageType === 'reference') connection = whileShown(leaving);
      await reading.readFrom(source, connection);
      return;
    } catch (error) {
      if (leaving.aborted) throw error;
      if (connection.aborted) continue;
      const status = (error as { statusCode?: number }).statusCode;
      const isMissing = status === 404 || error instanceof DownloadError || error instanceof TypeError;
      if (wasOver || !isMissing) throw error;
      await pause(retryMs, leaving);
    }
  }
};

/** What is read again at once, in bytes: some screens for who looks at them, and more for a search. */
const [screensBytes, searchBytes] = [256 * 2 ** 10, 4 * 2 ** 20];

/** Brings back lines that were let go: the one that was asked for last, one after the other. */
const linesComeBack = (
  { text, parts, leaving }: { text: LogText; parts: LogParts; leaving: AbortSignal },
  onChange: (lost?: unknown) => void,
): Log['want'] => {
  let wanted: { readonly number: number; readonly bytes: number } | undefined;
  let isReading = false;
  const read = async ({ number, bytes }: NonNullable<typeof wanted>): Promise<void> => {
    const span = text.missingAt(number, bytes);
    // Also when the line is there: who goes through a log step by step lets the page draw in between.
    if (!span) return pause(0, leaving);
    text.fill(span.offset, await parts.read(span));
    if (text.missingAt(number, 1)) throw new Error('The log is shorter than it was.');
  };
  const readAllWanted = async (): Promise<void> => {
    for (let next = wanted; next !== undefined; next = wanted) {
      wanted = undefined;
      try {
        await read(next);
        onChange();
      } catch (error) {
        if (leaving.aborted) return;
        // What is still missed then is asked for again.
        await pause(retryMs, leaving);
        onChange(error);
      }
    }
    // At once: what is wanted from now on begins a reading of its own.
    isReading = false;
  };
  return (number, purpose) => {
    wanted = { number, bytes: purpose === 'search' ? searchBytes : screensBytes };
    if (isReading) return;
    isReading = true;
    // It fails only when the page was left.
    readAllWanted().catch(() => {});
  };
};

/** The page has a turn after so much work. */
const workMs = 12;
/** What was let go has been looked at before. */
const scanBytes = 2 ** 20;

/** Takes what comes, looks for the first error in it, and tells now and then that there is more. */
const arriving = (text: LogText, error: FirstError, onMore: () => void) => {
  let unseen = 0;
  let since = performance.now();
  return async (bytes: Uint8Array): Promise<void> => {
    text.append(bytes);
    unseen += bytes.length;
    onMore();
    if (unseen >= scanBytes) {
      error.in(text);
      unseen = 0;
    }
    if (performance.now() - since < workMs) return;
    await new Promise((resolve) => window.setTimeout(resolve));
    since = performance.now();
  };
};

const nothing: Log = {
  text: new LogText(),
  version: 0,
  isOver: false,
  errorAt: -1,
  want: () => {},
};

/** Reads a log while it is written. */
export const useLog = ({ taskId, runId, name }: LogRef): Log => {
  const [log, setLog] = useState(nothing);
  useEffect(() => {
    const ref = { taskId, runId, name };
    const leaving = new AbortController();
    const [text, firstError] = [new LogText(), new FirstError()];
    const parts = new LogParts((signal) => locate(ref, signal), leaving.signal);
    let [version, timer] = [0, 0];
    let end: Pick<Log, 'isOver' | 'error'> = { isOver: false };
    let lost: unknown;
    const show = () => {
      window.clearTimeout(timer);
      timer = 0;
      const errorAt = firstError.in(text);
      if (!leaving.signal.aborted) setLog({ text, version: ++version, errorAt, want, lost, ...end });
    };
    const want = linesComeBack({ text, parts, leaving: leaving.signal }, (error) => {
      lost = error;
      show();
    });
    const showSoon = () => {
      // The first lines are shown at once, those after them some at a time.
      if (version === 0) show();
      else timer ||= window.setTimeout(show, 60);
    };
    const finish = (error?: unknown) => {
      text.end();
      end = { isOver: true, ...(error === undefined ? {} : { error }) };
      show();
    };
    readAll(ref, arriving(text, firstError, showSoon), leaving.signal).then(
      () => finish(),
      (error: unknown) => finish(error),
    );
    return () => {
      leaving.abort();
      window.clearTimeout(timer);
    };
  }, [taskId, runId, name]);
  return log;
};

import { DownloadError, locateArtifact, pause } from '@taskyard/client/browser';
import { useEffect, useState } from 'react';
import { api } from '../session/api.ts';
import { type LogText, logText } from './log-text.ts';
import { type LogReader, LogReading } from './read-log.ts';

export interface Log {
  readonly text: LogText;
  /** Changes whenever lines have come. */
  readonly version: number;
  readonly isOver: boolean;
  readonly error?: unknown;
  /** How much of the beginning was left out, in bytes. */
  readonly leftOutBytes: number;
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
const readAll = async (ref: LogRef, reader: LogReader, leaving: AbortSignal): Promise<void> => {
  const reading = new LogReading(reader);
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

/** Reads a log while it is written. */
export const useLog = ({ taskId, runId, name }: LogRef): Log => {
  const [log, setLog] = useState<Log>(() => ({
    text: logText(),
    version: 0,
    isOver: false,
    leftOutBytes: 0,
  }));
  useEffect(() => {
    const leaving = new AbortController();
    const text = logText();
    let leftOutBytes = 0;
    let version = 0;
    let timer = 0;
    const show = (rest: Partial<Log> = {}) => {
      window.clearTimeout(timer);
      timer = 0;
      if (!leaving.signal.aborted) setLog({ text, version: ++version, isOver: false, leftOutBytes, ...rest });
    };
    const reader = {
      onLeftOut: (bytes: number) => {
        leftOutBytes = bytes;
      },
      onText: (more: string) => {
        text.append(more);
        timer ||= window.setTimeout(show, 60);
      },
    };
    const finish = (rest: Partial<Log> = {}) => {
      text.end();
      show({ isOver: true, ...rest });
    };
    readAll({ taskId, runId, name }, reader, leaving.signal).then(
      () => finish(),
      (error: unknown) => finish({ error }),
    );
    return () => {
      leaving.abort();
      window.clearTimeout(timer);
    };
  }, [taskId, runId, name]);
  return log;
};

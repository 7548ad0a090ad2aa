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

// A log that has ended is that of a worker that has ended, or of a run: only then it is whole.
const readAll = async (ref: LogRef, reader: LogReader): Promise<void> => {
  const reading = new LogReading(reader);
  for (;;) {
    const wasOver = await isRunOver(ref);
    try {
      await reading.readFrom(await locate(ref, reader.signal));
      return;
    } catch (error) {
      const status = (error as { statusCode?: number }).statusCode;
      const isMissing = status === 404 || error instanceof DownloadError || error instanceof TypeError;
      if (wasOver || !isMissing || reader.signal.aborted) throw error;
      await pause(retryMs, reader.signal);
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
      signal: leaving.signal,
      onLeftOut: (bytes: number) => {
        leftOutBytes = bytes;
      },
      onText: (more: string) => {
        text.append(more);
        timer ||= window.setTimeout(show, 60);
      },
    };
    readAll({ taskId, runId, name }, reader).then(
      () => show({ isOver: true }),
      (error: unknown) => show({ isOver: true, error }),
    );
    return () => {
      leaving.abort();
      window.clearTimeout(timer);
    };
  }, [taskId, runId, name]);
  return log;
};

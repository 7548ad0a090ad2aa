import { DownloadError, locateArtifact, pause } from '@taskyard/client/browser';
import { useEffect, useState } from 'react';
import { api } from '../session/api.ts';
import { type LogText, logText } from './log-text.ts';

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

/** A log larger than this is shown from so far before its end. */
const bytesMax = 64 * 2 ** 20;
const retryMs = 500;

interface Reading {
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
  readonly onLeftOut: (bytes: number) => void;
}

const open = async (url: string, signal: AbortSignal, range?: string): Promise<Response> => {
  const response = await fetch(url, { signal, ...(range ? { headers: { range } } : {}) });
  if (response.ok) return response;
  throw new DownloadError(url, `HTTP status ${response.status}`, response.status);
};

/** Opens the log, or its end where it is very large. */
const openEnd = async (url: string, { signal, onLeftOut }: Reading): Promise<Response> => {
  const response = await open(url, signal);
  const size = Number(response.headers.get('content-length') ?? 0);
  if (size <= bytesMax) return response;
  await response.body?.cancel();
  const end = await open(url, signal, `bytes=-${bytesMax}`);
  onLeftOut(end.status === 206 ? size - bytesMax : 0);
  return end;
};

const readOnce = async ({ taskId, runId, name }: LogRef, reading: Reading): Promise<void> => {
  const { signal, onText } = reading;
  const { queue } = await api();
  const { url } = await locateArtifact(queue, { taskId, runId, name }, signal);
  const response = await openEnd(url, reading);
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    onText(decoder.decode(read.value, { stream: true }));
  }
};

/** Whether the run is over: then there will be no other log than there is. */
const isRunOver = async ({ taskId, runId }: LogRef): Promise<boolean> => {
  const { status } = await (await api()).queue.status(taskId);
  const run = status.runs[runId];
  return run !== undefined && run.state !== 'running' && run.state !== 'pending';
};

// The log that has ended is that of a worker that has ended, or of a run: only then it is whole.
const readAll = async (ref: LogRef, reading: Reading & { onStart: () => void }): Promise<void> => {
  for (;;) {
    const wasOver = await isRunOver(ref);
    try {
      reading.onStart();
      await readOnce(ref, reading);
      return;
    } catch (error) {
      const status = (error as { statusCode?: number }).statusCode;
      const isMissing = status === 404 || error instanceof DownloadError || error instanceof TypeError;
      if (wasOver || !isMissing || reading.signal.aborted) throw error;
      await pause(retryMs, reading.signal);
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
    let text = logText();
    let leftOutBytes = 0;
    let version = 0;
    let timer = 0;
    const show = (rest: Partial<Log> = {}) => {
      window.clearTimeout(timer);
      timer = 0;
      if (!leaving.signal.aborted) setLog({ text, version: ++version, isOver: false, leftOutBytes, ...rest });
    };
    let isAnew = false;
    const reading = {
      signal: leaving.signal,
      // What was read stays until something comes in its place: a worker that has ended may have kept nothing.
      onStart: () => {
        isAnew = true;
      },
      onLeftOut: (bytes: number) => {
        leftOutBytes = bytes;
      },
      onText: (more: string) => {
        if (isAnew) text = logText();
        isAnew = false;
        text.append(more);
        timer ||= window.setTimeout(show, 60);
      },
    };
    readAll({ taskId, runId, name }, reading).then(
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

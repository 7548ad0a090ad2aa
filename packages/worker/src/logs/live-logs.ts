import type { TaskLog } from './task-log.ts';

/** Makes logs readable while they are written. */
export interface LiveLogs {
  /** Shows a log at a secret URL, until it is withdrawn. */
  publish(log: TaskLog): ShownLog;
  /** Ends the streams of all viewers. */
  close(): Promise<void>;
}

export interface ShownLog {
  /** Resolves when the log can be read at the URL; rejects when it cannot be shown. */
  readonly url: Promise<string>;
  withdraw(): void;
}

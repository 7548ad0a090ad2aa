import { ConnectionError } from '@taskyard/client';
import type { Clock } from './clock.ts';

/** The HTTP status of a failed request; undefined without a reply. */
export const statusOf = (error: unknown): number | undefined => {
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
};

/** Whether the same request may succeed later: the server is unreachable, or replied 5xx or "too many requests". */
export const isTransient = (error: unknown): boolean => {
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 || status === 429;
  return error instanceof ConnectionError;
};

export interface RetryOptions {
  readonly clock: Clock;
  /** Ends the attempts; the last error is thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly giveUpAfterMs: number;
  readonly firstDelayMs?: number;
  readonly delayMaxMs?: number;
  /** Which failures may pass; by default those that are transient. */
  readonly mayPass?: (error: unknown) => boolean;
}

/** The pause before another attempt: doubled each time up to a limit, and randomized so that workers spread out. */
export const backOffMs = (attempt: number, { firstDelayMs = 200, delayMaxMs = 15_000 } = {}): number =>
  Math.min(firstDelayMs * 2 ** Math.min(attempt, 20), delayMaxMs) * (0.75 + Math.random() / 2);

/** Repeats an attempt after transient failures until it succeeds, the time is over, or the signal aborts. */
export const withRetries = async <T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { clock, signal, giveUpAfterMs, mayPass = isTransient } = options;
  const started = clock.now().getTime();
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = backOffMs(tries, options);
      const isLate = clock.now().getTime() + pauseMs - started > giveUpAfterMs;
      if (!mayPass(error) || isLate || signal?.aborted) throw error;
      await clock.sleep(pauseMs, signal);
      if (signal?.aborted) throw error;
    }
  }
};

import { type Clock, later, minutes } from '../clock.ts';
import { messageOf, type WorkerLog } from '../worker-log.ts';
import type { Caches } from './caches.ts';

/** A request to delete caches of a name that are older than a time. */
export interface PurgeRequest {
  readonly cacheName: string;
  readonly before: string;
}

export interface PurgeRequests {
  /** Reads new requests. After a failure the next call reads them. Never throws. */
  heed(): Promise<void>;
}

export interface PurgeRequestsOptions {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly caches: Caches;
  /** Asks for the requests since a moment; for all of them without one. */
  readonly ask: (since: Date | undefined) => Promise<readonly PurgeRequest[]>;
}

// The server's clock may be behind ours, and its replies may be some seconds old.
const overlapMs = minutes(5);

/** Follows the requests to purge caches of this worker's pool. */
export const followPurgeRequests = ({ clock, log, caches, ask }: PurgeRequestsOptions): PurgeRequests => {
  let since: Date | undefined;
  let hasFailed = false;
  let asking: Promise<void> | undefined;
  const learn = async (): Promise<void> => {
    const askedAt = clock.now();
    try {
      for (const { cacheName, before } of await ask(since)) caches.purgeBefore(cacheName, new Date(before));
      since = later(askedAt, -overlapMs);
      hasFailed = false;
    } catch (error) {
      // Once is enough: a worker without the scope would say so for each task.
      if (!hasFailed)
        log.warn({ error: messageOf(error) }, 'requests to purge caches could not be asked for');
      hasFailed = true;
    }
  };
  return {
    heed: () => {
      asking ??= learn().finally(() => {
        asking = undefined;
      });
      return asking;
    },
  };
};

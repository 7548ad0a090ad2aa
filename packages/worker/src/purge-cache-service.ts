import { createSigner } from '@taskyard/client';
import { seconds } from './clock.ts';
import type { PurgeRequest } from './mounts/index.ts';
import { credentialsOf, type WorkerOptions } from './worker-options.ts';

// A task waits for the answer.
const timeoutMs = seconds(10);

/** Asks the server which caches of the worker's pool are to be purged. */
export const askForPurgeRequests =
  (options: WorkerOptions) =>
  async (since: Date | undefined): Promise<readonly PurgeRequest[]> => {
    const { rootUrl, taskQueueId } = options;
    const path = `/api/purge-cache/v1/purge-cache/${encodeURIComponent(taskQueueId)}`;
    const url = new URL(`${rootUrl.replace(/\/+$/, '')}${path}`);
    if (since) url.searchParams.set('since', since.toJSON());
    const authorization = await createSigner(credentialsOf(options)).header('GET', url);
    const reply = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(timeoutMs) });
    const body = (await reply.json()) as { requests?: PurgeRequest[]; message?: string };
    if (!reply.ok) throw new Error(body.message ?? `HTTP status ${reply.status}`);
    return body.requests ?? [];
  };

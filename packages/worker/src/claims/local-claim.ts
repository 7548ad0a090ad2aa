import { type Credentials, Index, Queue } from '@taskyard/client';
import { withRetries } from '../retry.ts';
import type { ClaimKeeping, HeldClaim } from './held-claim.ts';

/** A task of the queue that is run here although it is not ours: the queue hears nothing of it. */
export const localClaim = (
  taskId: string,
  task: HeldClaim['task'],
  { rootUrl, clock, credentials }: Pick<ClaimKeeping, 'rootUrl' | 'clock'> & { credentials: Credentials },
): HeldClaim => {
  const queue = new Queue({ rootUrl, credentials, retries: 3 });
  return {
    taskId,
    runId: 0,
    task,
    lost: new AbortController().signal,
    credentials: () => credentials as ReturnType<HeldClaim['credentials']>,
    queue: () => queue,
    index: () => new Index({ rootUrl, credentials, retries: 3 }),
    call: (use, limits) => withRetries(() => use(queue), { ...limits, clock }),
    letGo: () => undefined,
  };
};

import type { BaseContext } from '../base/index.ts';
import type { QueueVerbs } from '../queue/index.ts';

/** What views are opened with. */
export interface Context extends Pick<BaseContext, 'db' | 'clock'> {
  readonly queue: Pick<QueueVerbs, 'countQueues'>;
}

import type { ArtifactVerbs } from '../artifacts/index.ts';
import type { BaseContext } from '../base/index.ts';
import type { IndexVerbs } from '../index/index.ts';
import type { QueueContext, QueueVerbs } from '../queue/index.ts';

/** What is needed to bring tasks of another deployment here. */
export interface Context extends BaseContext {
  /** Root URL of the other deployment; without one nothing is brought here. */
  readonly upstreamUrl: string | undefined;
  readonly queue: Pick<QueueVerbs, 'readStatuses'>;
  /** What the queue's verbs work with. */
  readonly queueContext: QueueContext;
  readonly artifacts: Pick<ArtifactVerbs, 'addArtifacts'>;
  readonly index: Pick<IndexVerbs, 'insertTask'>;
}

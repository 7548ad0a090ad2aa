import type { ArtifactVerbs } from '../artifacts/index.ts';
import type { BaseContext } from '../base/index.ts';
import type { IndexVerbs } from '../index/index.ts';
import type { QueueVerbs } from '../queue/index.ts';

/** What is needed to bring tasks of another deployment here. */
export interface Context extends BaseContext {
  /** Root URL of the other deployment; without one nothing is brought here. */
  readonly upstreamUrl: string | undefined;
  readonly queue: Pick<QueueVerbs, 'createTasks' | 'claimRuns' | 'resolveRuns' | 'readStatuses'>;
  readonly artifacts: Pick<ArtifactVerbs, 'createArtifact'>;
  readonly index: Pick<IndexVerbs, 'insertTask'>;
}

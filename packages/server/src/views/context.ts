import type { ArtifactVerbs } from '../artifacts/index.ts';
import type { BaseContext } from '../base/index.ts';
import type { QueueVerbs } from '../queue/index.ts';

/** What views are opened with. */
export interface Context extends BaseContext {
  readonly queue: Pick<QueueVerbs, 'countQueues'>;
  readonly artifacts: Pick<ArtifactVerbs, 'getArtifact'>;
  rootUrl(): string;
}

import type { ArtifactVerbs } from '../artifacts/index.ts';
import type { BaseContext, Signal } from '../base/index.ts';
import type { HookVerbs } from '../hooks/index.ts';
import type { Caller } from '../http/index.ts';
import type { QueueContext, QueueVerbs } from '../queue/index.ts';
import type { ViewVerbs } from '../views/index.ts';
import type { GithubApi } from './api/index.ts';
import type { Excerpts } from './excerpts.ts';
import type { GroupPace } from './pace.ts';
import type { Rendering } from './rendering/index.ts';
import type { GithubAppSettings } from './schema/index.ts';

/** What the service is given by the floors below and by `app.ts`. */
export interface GithubContext extends BaseContext {
  /** The app; without it the service makes no tasks and says so. */
  readonly settings: GithubAppSettings | undefined;
  /** What the queue's verbs work with. */
  readonly queueContext: QueueContext;
  readonly queue: Pick<
    QueueVerbs,
    'rerunTasks' | 'rerunGroup' | 'sealGroups' | 'cancelGroup' | 'readStatuses' | 'readDefinitions'
  >;
  readonly views: Pick<ViewVerbs, 'listGroupLines'>;
  readonly hooks: Pick<HookVerbs, 'trigger'>;
  readonly artifacts: Pick<ArtifactVerbs, 'getArtifact'>;
  /** Woken when there is something to work off; shared between processes. */
  readonly arrived: Signal;
  /** Woken when there is something to tell GitHub; shared between processes. */
  readonly touched: Signal;
  /** The address under which people reach the platform; what GitHub shows links to it. */
  rootUrl(): string;
  /** A caller with just these scopes and what roles add to them. */
  callerFor(scopes: readonly string[]): Promise<Caller>;
}

/** What the service is opened with. */
export interface Context extends GithubContext {
  readonly api: GithubApi | undefined;
  readonly rendering: Rendering;
  readonly excerpts: Excerpts;
  readonly pace: GroupPace;
}

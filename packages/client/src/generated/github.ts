// Generated from the server's contracts by `npm run generate`. Do not edit.
import { exchange } from '../exchange.ts';
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type BuildList = {
  builds: {
    organization: string;
    repository: string;
    sha: string;
    state: 'pending' | 'success' | 'error' | 'failure' | 'cancelled';
    taskGroupId: string;
    eventType: string;
    eventId: string;
    pullRequestNumber?: number;
    created: string;
    updated: string;
  }[];
  continuationToken?: string;
};
export type CreateComment = {
  body: string;
};
export type CreateStatus = {
  state: 'pending' | 'success' | 'error' | 'failure';
  target_url?: string;
  description?: string;
  context?: string;
};
export type GithubPullRequestMessage = {
  version: 1;
  organization: string;
  repository: string;
  eventId: string;
  details?: Record<string, unknown>;
  body: Record<string, unknown>;
  tasks_for: string;
  installationId: number;
  branch: string;
  action: string;
};
export type GithubPushMessage = {
  version: 1;
  organization: string;
  repository: string;
  eventId: string;
  details?: Record<string, unknown>;
  body: Record<string, unknown>;
  tasks_for: string;
  installationId: number;
  branch: string;
};
export type GithubRerunMessage = {
  version: 1;
  organization: string;
  repository: string;
  eventId: string;
  details?: Record<string, unknown>;
  body: Record<string, unknown>;
  tasks_for: string;
  installationId: number;
  checkRunId: number;
  checkSuiteId: number;
};
export type RenderTaskclusterYmlInput = {
  body: string;
  fakeEvent: {
    type: 'github-push';
    overrides?: Record<string, unknown>;
  } | {
    type: 'github-pull-request' | 'github-pull-request-untrusted';
    action: 'opened' | 'synchronize' | 'reopened' | 'assigned' | 'auto_merge_disabled' | 'auto_merge_enabled' | 'closed' | 'converted_to_draft' | 'dequeued' | 'edited' | 'enqueued' | 'labeled' | 'ready_for_review' | 'review_requested' | 'review_request_removed' | 'unassigned' | 'unlabeled';
    overrides?: Record<string, unknown>;
  } | {
    type: 'github-release';
    action: 'published' | 'unpublished' | 'created' | 'edited' | 'deleted' | 'prereleased' | 'released';
    overrides?: Record<string, unknown>;
  } | {
    type: 'github-issue-comment';
    action: 'created' | 'edited';
    overrides?: Record<string, unknown>;
  };
  organization?: string;
  repository?: string;
};
export type RenderTaskclusterYmlOutput = {
  tasks: Record<string, unknown>[];
  scopes: string[];
};
export type Repository = {
  installed: boolean;
};
export type TaskGroupCreationRequested = {
  version: 1;
  organization: string;
  repository: string;
  taskGroupId: string;
};
export type TaskclusterYmlUpdateMessage = {
  version: 1;
  organization: string;
  repository: string;
  ref: string;
  eventId: string;
};

export interface GithubApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** List builds. */
  builds(options?: QueryOptions<'continuationToken' | 'limit' | 'organization' | 'repository' | 'sha' | 'pullRequest'>): Promise<BuildList>;
  /** Cancel builds. */
  cancelBuilds(owner: string, repo: string, options?: QueryOptions<'sha' | 'pullRequest'>): Promise<BuildList>;
  /** Badge of a branch. */
  badge(owner: string, repo: string, branch: string, options?: CallOptions): Promise<unknown>;
  /** Look up a repository. */
  repository(owner: string, repo: string, options?: CallOptions): Promise<Repository>;
  /** Newest build of a branch. */
  latest(owner: string, repo: string, branch: string, options?: CallOptions): Promise<unknown>;
  /** Show a status at a commit. */
  createStatus(owner: string, repo: string, sha: string, body: CreateStatus, options?: CallOptions): Promise<void>;
  /** Comment on an issue or a pull request. */
  createComment(owner: string, repo: string, number: string, body: CreateComment, options?: CallOptions): Promise<void>;
  /** Render a .taskcluster.yml. */
  renderTaskclusterYml(body: RenderTaskclusterYmlInput, options?: CallOptions): Promise<RenderTaskclusterYmlOutput>;
}

export type Github = GithubApi & ServiceClient;
export const Github = serviceClass<GithubApi>('github', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  builds: { method: 'GET', route: '/builds', title: 'List builds', query: ['continuationToken', 'limit', 'organization', 'repository', 'sha', 'pullRequest'] },
  cancelBuilds: { method: 'POST', route: '/builds/<owner>/<repo>/cancel', title: 'Cancel builds', query: ['sha', 'pullRequest'] },
  badge: { method: 'GET', route: '/repository/<owner>/<repo>/<branch>/badge.svg', title: 'Badge of a branch' },
  repository: { method: 'GET', route: '/repository/<owner>/<repo>', title: 'Look up a repository' },
  latest: { method: 'GET', route: '/repository/<owner>/<repo>/<branch>/latest', title: 'Newest build of a branch' },
  createStatus: { method: 'POST', route: '/repository/<owner>/<repo>/statuses/<sha>', title: 'Show a status at a commit', input: true },
  createComment: { method: 'POST', route: '/repository/<owner>/<repo>/issues/<number>/comments', title: 'Comment on an issue or a pull request', input: true },
  renderTaskclusterYml: { method: 'POST', route: '/taskcluster-yml', title: 'Render a .taskcluster.yml', input: true },
});

/** The exchanges of the github service. */
export const githubExchanges = {
  pullRequest: exchange<GithubPullRequestMessage>('exchange/taskcluster-github/v1/pull-request', ['=primary', 'organization', 'repository', 'action']),
  push: exchange<GithubPushMessage>('exchange/taskcluster-github/v1/push', ['=primary', 'organization', 'repository']),
  release: exchange<GithubPushMessage>('exchange/taskcluster-github/v1/release', ['=primary', 'organization', 'repository']),
  rerun: exchange<GithubRerunMessage>('exchange/taskcluster-github/v1/rerun', ['=primary', 'organization', 'repository']),
  taskGroupCreationRequested: exchange<TaskGroupCreationRequested>('exchange/taskcluster-github/v1/task-group-creation-requested', ['=primary', 'organization', 'repository']),
  taskclusterYmlUpdate: exchange<TaskclusterYmlUpdateMessage>('exchange/taskcluster-github/v1/taskcluster-yml-update', ['=primary', 'organization', 'repository']),
};

import type { Fields, Mistake } from './template/index.ts';

/** What a file is rendered for. */
export interface EventContext {
  /** What has happened, in the words of the original: `github-push`, `github-release`, `cron`, `action`, … */
  readonly tasksFor: string;
  readonly rootUrl: string;
  readonly organization: string;
  readonly repository: string;
  /** The body of GitHub's webhook; absent where GitHub has sent nothing. */
  readonly event?: Fields | undefined;
  /** What else expressions may use: `ownTaskId`, `push`, `repository`, `cron`, `action`, `input`, `clientId`. */
  readonly names?: Fields | undefined;
  /** ISO 8601; `$fromNow` counts from it. */
  readonly now: string;
  /** Who made the head commit, for version 0. */
  readonly headUserEmail?: string | undefined;
}

/** A file as it was read, and the name that mistakes give it. */
export interface YmlFile {
  readonly text: string;
  readonly fileName: string;
}

export interface RenderRequest extends YmlFile {
  readonly context: EventContext;
  /** Returns a fresh slugid. */
  readonly slugid: () => string;
  /** The JSON schema of the queue's createTask. */
  readonly taskSchema?: object | undefined;
}

/** A task that is ready to be created. */
export interface RenderedTask {
  readonly taskId: string;
  /** The body of createTask. */
  readonly task: Fields;
  /** What people call it: `metadata.name`. */
  readonly label: string;
  /** Where it is written; counts from one. */
  readonly line: number;
}

/** A hook that the file asks for. Its context is not rendered. */
export interface NamedHook {
  /** `<hookGroupId>/<hookId>` */
  readonly name: string;
  readonly context: Fields;
}

export const pullRequestPolicies = [
  'public',
  'public_restricted',
  'collaborators',
  'collaborators_quiet',
] as const;

/** Who may make tasks by pull requests and comments. */
export interface Policy {
  readonly pullRequests: (typeof pullRequestPolicies)[number];
  readonly allowComments?: 'collaborators';
}

export interface Rendering {
  readonly version: 0 | 1;
  /** Each task after those that it depends on. */
  readonly tasks: readonly RenderedTask[];
  /** The group of the first task; absent without tasks. */
  readonly taskGroupId?: string;
  /** What the tasks are created with. */
  readonly scopes: readonly string[];
  readonly hooks: readonly NamedHook[];
  readonly reporting?: 'checks-v1';
  /** By which the service for GitHub finds its tasks. */
  readonly route: 'checks' | 'statuses';
  readonly autoCancelPreviousChecks: boolean;
  readonly policy: Policy;
}

/** A file that cannot be used, with all that is wrong with it. */
export interface Refused {
  readonly mistakes: readonly Mistake[];
}

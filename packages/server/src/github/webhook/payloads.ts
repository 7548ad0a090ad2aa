import type { PullRequest } from '../api/index.ts';

// What the service reads in payloads of GitHub. Their shapes were checked when they came.

interface Owner {
  readonly login?: string;
  readonly name?: string;
}

interface InRepository {
  readonly action?: string;
  readonly installation?: { readonly id: number };
  readonly repository: {
    readonly id?: number;
    readonly full_name: string;
    readonly owner: Owner;
    readonly default_branch?: string;
  };
  /** Not said of every push. */
  readonly sender?: { readonly login: string } | null;
}

export interface PushPayload extends InRepository {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly deleted?: boolean;
  readonly commits: readonly {
    readonly added?: readonly string[];
    readonly modified?: readonly string[];
    readonly removed?: readonly string[];
  }[];
}

export interface PullRequestPayload extends InRepository {
  readonly action: string;
  readonly number: number;
  readonly pull_request: PullRequest;
}

export interface CommentPayload extends InRepository {
  readonly action: string;
  readonly issue: { readonly number: number; readonly state: string; readonly pull_request?: object | null };
  /** Its author is null once the account is deleted. */
  readonly comment: {
    readonly id: number;
    readonly body: string;
    readonly user: { readonly login: string } | null;
  };
}

export interface ReleasePayload extends InRepository {
  readonly action: string;
  readonly release: { readonly tag_name: string; readonly target_commitish: string };
}

export interface CheckRunPayload extends InRepository {
  readonly action: string;
  readonly check_run: {
    readonly id: number;
    readonly head_sha: string;
    readonly check_suite: { readonly id: number };
  };
}

export interface CheckSuitePayload extends InRepository {
  readonly action: string;
  readonly check_suite: { readonly id: number; readonly head_sha: string };
}

/** A payload by the name of its event. */
export interface Payloads {
  readonly push: PushPayload;
  readonly pull_request: PullRequestPayload;
  readonly issue_comment: CommentPayload;
  readonly release: ReleasePayload;
  readonly check_run: CheckRunPayload;
  readonly check_suite: CheckSuitePayload;
}

export type EventType = keyof Payloads;

/** An event and what GitHub says of it. */
export type Event = {
  [Type in EventType]: { readonly type: Type; readonly payload: Payloads[Type] };
}[EventType];

/** `refs/heads/main` is the branch `main`; a name may hold slashes itself. */
const nameOfRef = (ref: string): string => ref.split('/').slice(2).join('/');

/** The branch, or the tag, that an event is about; empty where it says none. */
export const branchOf = (event: Event): string => {
  switch (event.type) {
    case 'push':
      return nameOfRef(event.payload.ref);
    case 'pull_request':
      return event.payload.pull_request.head.ref;
    case 'release':
      return event.payload.release.target_commitish;
    default:
      return '';
  }
};

const tasksFor: Readonly<Record<EventType, string>> = {
  push: 'github-push',
  pull_request: 'github-pull-request',
  issue_comment: 'github-issue-comment',
  release: 'github-release',
  // No file is rendered for these; the original says so in its messages.
  check_run: 'github-push',
  check_suite: 'github-push',
};

/** What templates are told that they are rendered for, before anybody has asked for a policy. */
export const tasksForOf = ({ type }: Event): string => tasksFor[type];

const isTag = (ref: string): boolean => ref.startsWith('refs/tags/');

/** What a build is said to come from. */
export const eventTypeOf = (event: Event): string => {
  if (event.type === 'push') return isTag(event.payload.ref) ? 'tag' : 'push';
  if (event.type === 'release') return 'release';
  return `${event.type}.${event.payload.action}`;
};

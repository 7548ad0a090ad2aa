import { commandOf } from '@taskyard/taskcluster-yml';
import type { PullRequest, Repository } from '../api/index.ts';
import type { Context } from '../context.ts';
import { admit } from '../lifecycle.ts';
import {
  branchOf,
  type CommentPayload,
  type Event,
  eventTypeOf,
  type PullRequestPayload,
  type ReleasePayload,
} from '../webhook/index.ts';
import { isTrusted, readPolicy } from './trust.ts';

/** What tasks are made for: an event, with what GitHub had to be asked for besides. */
export interface Occasion {
  readonly tasksFor: string;
  readonly eventType: string;
  readonly sha: string;
  /** What was pushed to or is to be merged; it tells which builds one replaces. */
  readonly branch: string;
  readonly pullRequestNumber: number | null;
  /** What templates see. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Its builds stand beside each other. */
  readonly isDefaultBranch: boolean;
}

/** There is nothing to make tasks for; a word to those who asked for some. */
export interface Nothing {
  readonly why: string;
  readonly isTold: boolean;
}

const nothing = (why: string, isTold = false): Nothing => ({ why, isTold });

type Fields = Readonly<Record<string, unknown>>;

const common = (event: Event) => ({
  eventType: eventTypeOf(event),
  payload: event.payload as unknown as Fields,
  pullRequestNumber: null,
  branch: branchOf(event),
  isDefaultBranch: false,
});

const ofPullRequest = (event: Event, { number, head, base }: PullRequest) => ({
  ...common(event),
  sha: head.sha,
  branch: base.ref,
  pullRequestNumber: number,
});

const forPullRequest = async (
  context: Context,
  repository: Repository,
  event: Event & { readonly payload: PullRequestPayload },
): Promise<Occasion | Nothing> => {
  const { action, pull_request: pull } = event.payload;
  const policy = await readPolicy(context, repository);
  const admission = admit(policy, { action, isTrusted: await isTrusted(repository, pull) });
  if ('refused' in admission) return nothing(admission.refused, admission.isTold);
  return { ...ofPullRequest(event, pull), tasksFor: admission.tasksFor };
};

const forComment = async (
  context: Context,
  repository: Repository,
  event: Event & { readonly payload: CommentPayload },
): Promise<Occasion | Nothing> => {
  const { issue, comment } = event.payload;
  const { allowComments } = await readPolicy(context, repository);
  if (allowComments !== 'collaborators')
    return nothing(
      'The policy of the default branch lets no comments make tasks (policy.allowComments).',
      true,
    );
  if (!comment.user || !(await repository.isCollaborator(comment.user.login)))
    return nothing('The policy of the default branch lets comments of collaborators make tasks only.', true);
  // The comment says nothing of the commit, and the pull request may have changed since.
  const pull = await repository.pullRequest(issue.number);
  if (pull?.state !== 'open') return nothing('The pull request is not open any more.', true);
  if (!pull.head.repo)
    return nothing(
      'The repository that this pull request comes from is gone, so no tasks can be made for it.',
      true,
    );
  const payload = { ...event.payload, pull_request: pull, taskcluster_comment: commandOf(comment.body) };
  return { ...ofPullRequest(event, pull), payload, tasksFor: 'github-issue-comment' };
};

/** The commit of the tag or, while the tag is not there, of what it is to be made of: a draft has none yet. */
const forRelease = async (
  repository: Repository,
  event: Event & { readonly payload: ReleasePayload },
): Promise<Occasion | Nothing> => {
  const { tag_name: tag, target_commitish: target } = event.payload.release;
  const sha = (await repository.commitOf(`tags/${tag}`)) ?? (await repository.commitOf(target));
  return sha === undefined
    ? nothing(`Neither the tag ${tag} of the release nor its target ${target} is there.`)
    : { ...common(event), sha, tasksFor: 'github-release' };
};

/** What tasks are to be made for, by the policy of the default branch; or why there is nothing. */
export const occasionOf = async (
  context: Context,
  repository: Repository,
  event: Event,
): Promise<Occasion | Nothing> => {
  switch (event.type) {
    case 'push': {
      const { after: sha, repository: pushed } = event.payload;
      const own = common(event);
      const isDefaultBranch = own.branch === pushed.default_branch;
      return { ...own, sha, isDefaultBranch, tasksFor: 'github-push' };
    }
    case 'release':
      return forRelease(repository, event);
    case 'pull_request':
      return forPullRequest(context, repository, event);
    case 'issue_comment':
      return forComment(context, repository, event);
    default:
      return nothing(`No tasks are made for ${event.type}.`);
  }
};

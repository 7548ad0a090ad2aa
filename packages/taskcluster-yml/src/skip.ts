import { at, textAt } from './details.ts';
import type { EventContext } from './types.ts';

const skipping = /\[(skip ci|ci skip)\]/i;
const nothing = /^0+$/;

const lastMessageOf = (event: unknown): string | undefined => {
  const commits = at(event, 'commits');
  return (
    textAt(event, 'head_commit', 'message') ?? textAt(Array.isArray(commits) ? commits.at(-1) : {}, 'message')
  );
};

/** Why an event makes no tasks, whatever the file says; undefined for one that may make some. */
export const skipReason = ({
  tasksFor,
  event,
}: Pick<EventContext, 'tasksFor' | 'event'>): 'branch-deleted' | 'skip-ci' | undefined => {
  if (tasksFor === 'github-push') {
    // There is no commit to run: its name is all zeros.
    if (at(event, 'deleted') === true || nothing.test(textAt(event, 'after') ?? '')) return 'branch-deleted';
    return skipping.test(lastMessageOf(event) ?? '') ? 'skip-ci' : undefined;
  }
  const title = tasksFor.startsWith('github-pull-request')
    ? textAt(event, 'pull_request', 'title')
    : undefined;
  return skipping.test(title ?? '') ? 'skip-ci' : undefined;
};

/** The command of a comment: what follows `/taskcluster` at the beginning of a line, with or without blanks before it. */
export const commandOf = (body: string): string | undefined =>
  /^[ \t]*\/taskcluster[ \t]+(\S.*)$/m.exec(body)?.[1]?.trim();

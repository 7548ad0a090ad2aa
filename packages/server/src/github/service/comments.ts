import type { CommentPlace } from '../api/index.ts';
import { cutTo, fenced } from '../texts.ts';
import type { Event } from '../webhook/index.ts';

/** Where people read of what became of an event. */
export const placeOf = (event: Event): CommentPlace | undefined => {
  switch (event.type) {
    case 'push':
      return { sha: event.payload.after };
    case 'pull_request':
      return { number: event.payload.number };
    case 'issue_comment':
      return { number: event.payload.issue.number };
    case 'check_run':
      return { sha: event.payload.check_run.head_sha };
    case 'check_suite':
      return { sha: event.payload.check_suite.head_sha };
    // Nobody reads comments at the commit of a release, but its author hears of them.
    default:
      return undefined;
  }
};

// GitHub takes comments of 65,536 characters.
const commentBytesMax = 65_000;

/** Tells a comment that was written already from one that was not. */
export const markOf = (eventId: string): string => `<!-- delivery ${eventId} -->`;

/** A comment as it is written: within GitHub's limit, with the mark of its delivery. */
export const marked = (text: string, eventId: string): string =>
  `${cutTo(text, commentBytesMax)}\n\n${markOf(eventId)}`;

/** About a file that cannot be used: a line for each mistake, with file, line and column. */
export const aboutMistakes = (mistakes: readonly string[], sha: string): string =>
  [
    `No tasks were made: \`.taskcluster.yml\` of ${sha.slice(0, 12)} has ${mistakes.length === 1 ? 'a mistake' : 'mistakes'}.`,
    fenced(mistakes.join('\n')),
  ].join('\n\n');

/** About tasks that the queue refused. */
export const aboutRefusedTasks = (refusal: string, scopes: readonly string[]): string =>
  [
    'No tasks were made: some of `.taskcluster.yml` were refused, so that none was created.',
    fenced(refusal),
    'They would have been created by these scopes, and what roles add to them:',
    fenced(scopes.join('\n')),
  ].join('\n\n');

/** About hooks that could not be triggered. */
export const aboutHooks = (mistakes: readonly string[]): string =>
  ['Some hooks of `.taskcluster.yml` were not triggered.', fenced(mistakes.join('\n'))].join('\n\n');

/** About an event that makes no tasks, for somebody who asked for some. */
export const aboutNothing = (why: string): string => `No tasks were made. ${why}`;

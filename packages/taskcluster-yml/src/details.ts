import { type Fields, isFields } from './template/index.ts';
import type { EventContext } from './types.ts';

/** Version 0's flat view of an event: `event.head.sha` is one name with dots in it. */
export type Details = Readonly<Record<string, string | number | boolean>>;

/** The value at a path of an object's own fields; undefined when there is none. */
export const at = (value: unknown, ...way: readonly string[]): unknown =>
  way.reduce<unknown>(
    (inner, key) => (isFields(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
    value,
  );

export const textAt = (value: unknown, ...way: readonly string[]): string | undefined => {
  const found = at(value, ...way);
  return typeof found === 'string' ? found : undefined;
};

/** `main` of `refs/heads/main`; a name may hold slashes itself. */
export const nameOfRef = (ref: string): string => ref.split('/').slice(2).join('/');

export const isTag = (ref: string): boolean => ref.startsWith('refs/tags/');

const ofPush = (event: Fields): Fields => {
  const ref = textAt(event, 'ref') ?? '';
  const name = nameOfRef(ref);
  const repository = { name: at(event, 'repository', 'name'), url: at(event, 'repository', 'clone_url') };
  return {
    'event.type': isTag(ref) ? 'tag' : 'push',
    'event.base.ref': ref,
    'event.base.repo.name': repository.name,
    'event.base.repo.url': repository.url,
    'event.base.sha': at(event, 'before'),
    'event.base.user.login': at(event, 'sender', 'login'),
    'event.head.ref': ref,
    'event.head.repo.name': repository.name,
    'event.head.repo.url': repository.url,
    'event.head.sha': at(event, 'after'),
    'event.head.user.login': at(event, 'sender', 'login'),
    'event.head.user.id': at(event, 'sender', 'id'),
    ...(isTag(ref)
      ? { 'event.head.tag': name }
      : { 'event.base.repo.branch': name, 'event.head.repo.branch': name }),
  };
};

/** One end of a pull request. The repository of a head is null once the fork is deleted. */
const ofEnd = (event: Fields, end: 'base' | 'head'): Fields => ({
  [`event.${end}.ref`]: `refs/heads/${textAt(event, 'pull_request', end, 'ref') ?? ''}`,
  [`event.${end}.repo.branch`]: at(event, 'pull_request', end, 'ref'),
  [`event.${end}.repo.name`]: at(event, 'pull_request', end, 'repo', 'name'),
  [`event.${end}.repo.url`]: at(event, 'pull_request', end, 'repo', 'clone_url'),
  [`event.${end}.sha`]: at(event, 'pull_request', end, 'sha'),
});

const ofPullRequest = (event: Fields): Fields => ({
  ...ofEnd(event, 'base'),
  'event.base.user.login': at(event, 'pull_request', 'base', 'user', 'login'),
  ...ofEnd(event, 'head'),
  'event.head.user.login': at(event, 'sender', 'login'),
  'event.head.user.id': at(event, 'sender', 'id'),
  'event.pullNumber': at(event, 'number') ?? at(event, 'pull_request', 'number'),
  'event.title': at(event, 'pull_request', 'title'),
  'event.type': `pull_request.${textAt(event, 'action') ?? ''}`,
});

const ofRelease = (event: Fields): Fields => ({
  'event.type': 'release',
  'event.base.repo.branch': at(event, 'release', 'target_commitish'),
  'event.head.user.login': at(event, 'sender', 'login'),
  'event.head.user.id': at(event, 'sender', 'id'),
  'event.version': at(event, 'release', 'tag_name'),
  'event.name': at(event, 'release', 'name'),
  'event.head.repo.name': at(event, 'repository', 'name'),
  'event.head.repo.url': at(event, 'repository', 'clone_url'),
  'event.release.url': at(event, 'release', 'url'),
  'event.prerelease': at(event, 'release', 'prerelease'),
  'event.draft': at(event, 'release', 'draft'),
  'event.tar': at(event, 'release', 'tarball_url'),
  'event.zip': at(event, 'release', 'zipball_url'),
});

const ofComment = (event: Fields): Fields => ({
  ...(isFields(at(event, 'pull_request')) ? ofPullRequest(event) : {}),
  'event.head.user.login': at(event, 'sender', 'login'),
  'event.type': `issue_comment.${textAt(event, 'action') ?? ''}`,
  taskcluster_comment: at(event, 'taskcluster_comment'),
});

/** Somebody wants a check again. */
const ofCheckRun = (event: Fields): Fields => ({
  'event.head.user.login': at(event, 'sender', 'login'),
  'event.head.repo.name': at(event, 'repository', 'name'),
});

const readers: Readonly<Record<string, (event: Fields) => Fields>> = {
  'github-push': ofPush,
  'github-pull-request': ofPullRequest,
  'github-pull-request-untrusted': ofPullRequest,
  'github-release': ofRelease,
  'github-issue-comment': ofComment,
  'github-check-run': ofCheckRun,
};

const isPlain = (entry: [string, unknown]): entry is [string, string | number | boolean] =>
  ['string', 'number', 'boolean'].includes(typeof entry[1]);

/** The details of an event; those that the event does not tell are left out. */
export const detailsOf = ({ tasksFor, event = {}, headUserEmail }: EventContext): Details => {
  const read = Object.hasOwn(readers, tasksFor) ? readers[tasksFor] : undefined;
  const details = Object.fromEntries(
    Object.entries(read?.(event) ?? { 'event.type': tasksFor }).filter(isPlain),
  );
  const login = details['event.head.user.login'];
  // As GitHub writes the commits of people who keep theirs private.
  const name = typeof login === 'string' ? login.replace(/\[bot\]$/, '') : undefined;
  const email = headUserEmail ?? (name === undefined ? undefined : `${name}@users.noreply.github.com`);
  return email === undefined ? details : { ...details, 'event.head.user.email': email };
};

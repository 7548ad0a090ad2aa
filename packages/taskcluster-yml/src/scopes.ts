import { at, isTag, nameOfRef, textAt } from './details.ts';
import type { EventContext } from './types.ts';

/** Which part a repository plays in an event, as the end of its role's name; undefined where it has no part. */
const partOf = (version: 0 | 1, { tasksFor, event, names }: EventContext): string | undefined => {
  switch (tasksFor) {
    // The version is said by the file, which comes with the pull request: it must not decide.
    case 'github-pull-request-untrusted':
      return 'pull-request-untrusted';
    case 'github-pull-request':
    case 'github-issue-comment':
      return 'pull-request';
    case 'github-push': {
      const ref = textAt(event, 'ref') ?? '';
      return `${isTag(ref) ? 'tag' : 'branch'}:${nameOfRef(ref)}`;
    }
    case 'github-release':
      return `release:${(version === 1 && textAt(event, 'action')) || 'published'}`;
    case 'cron':
      return `cron:${textAt(names, 'cron', 'job_name') ?? ''}`;
    case 'action':
    case 'pr-action':
      return `${tasksFor}:${textAt(names, 'action', 'action_perm') ?? 'generic'}`;
    default:
      return undefined;
  }
};

/** The scheduler of tasks that name none. */
export const schedulerId = 'taskcluster-github';

/** The scopes that the tasks of an event are created with; those in the tasks themselves are something else. */
export const scopesFor = ({
  context,
  route,
  version,
}: {
  readonly context: EventContext;
  readonly route: string;
  readonly version: 0 | 1;
}): string[] => {
  const part = partOf(version, context);
  const { organization, repository } = context;
  return [
    ...(part === undefined ? [] : [`assume:repo:github.com/${organization}/${repository}:${part}`]),
    `queue:route:${route}`,
    `queue:scheduler-id:${schedulerId}`,
  ];
};

const printable = /^[\x20-\x7e]*$/;

/** A branch or tag whose name cannot be part of a scope; undefined where all is well. */
export const unspeakableName = ({ event }: EventContext): string | undefined =>
  [at(event, 'ref'), at(event, 'pull_request', 'head', 'ref'), at(event, 'pull_request', 'base', 'ref')].find(
    (name): name is string => typeof name === 'string' && !printable.test(name),
  );

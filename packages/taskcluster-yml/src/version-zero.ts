import jsone from 'json-e';
import { at, type Details, detailsOf, textAt } from './details.ts';
import type { Item, Items } from './item.ts';
import { parameterize } from './parameterize.ts';
import type { ReadFile } from './read.ts';
import { githubSchema } from './schema.ts';
import { type Fields, isFields, type Mistake, validatorOf } from './template/index.ts';
import type { EventContext } from './types.ts';

const createdDefault = '{{ $fromNow }}';
const deadlineDefault = "{{ '1 day' | $fromNow }}";

const checkGithub = validatorOf(githubSchema);

/** The variables of `extra.github.env` and the detail that each is. */
const variables: Readonly<Record<string, string>> = {
  GITHUB_EVENT: 'event.type',
  GITHUB_BRANCH: 'event.base.repo.branch',
  GITHUB_PULL_REQUEST: 'event.pullNumber',
  GITHUB_PULL_TITLE: 'event.title',
  GITHUB_BASE_REPO_NAME: 'event.base.repo.name',
  GITHUB_BASE_REPO_URL: 'event.base.repo.url',
  GITHUB_BASE_USER: 'event.base.user.login',
  GITHUB_BASE_SHA: 'event.base.sha',
  GITHUB_BASE_BRANCH: 'event.base.repo.branch',
  GITHUB_BASE_REF: 'event.base.ref',
  GITHUB_HEAD_REPO_NAME: 'event.head.repo.name',
  GITHUB_HEAD_REPO_URL: 'event.head.repo.url',
  GITHUB_HEAD_USER: 'event.head.user.login',
  GITHUB_HEAD_SHA: 'event.head.sha',
  GITHUB_HEAD_BRANCH: 'event.head.repo.branch',
  GITHUB_HEAD_TAG: 'event.head.tag',
  GITHUB_HEAD_REF: 'event.head.ref',
  GITHUB_HEAD_USER_EMAIL: 'event.head.user.email',
};

const environmentOf = (details: Details): Fields =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([variable, detail]) =>
      details[detail] === undefined ? [] : [[variable, String(details[detail])]],
    ),
  );

/** The names that expressions know. */
const parametersOf = (context: EventContext, details: Details) => ({
  ...details,
  organization: context.organization,
  repository: context.repository,
  timestamp: Date.parse(context.now),
  'taskcluster.docker.provisionerId': 'unknown',
  'taskcluster.docker.workerType': 'unknown',
  $fromNow: (text = ''): unknown => jsone({ $fromNow: String(text) }, { now: context.now }),
});

/** Whether a task is for this event, by `extra.github`. */
const isFor = (github: Fields, details: Details): boolean => {
  const type = String(details['event.type']);
  const branch = details['event.base.repo.branch'];
  const { events, branches, excludeBranches } = github as Record<string, readonly unknown[] | undefined>;
  if (!(events ?? []).some((event) => type.startsWith(String(event).replace(/\*+$/, '')))) return false;
  if (type !== 'push') return true;
  if (branches) return branches.includes(branch);
  return !excludeBranches?.includes(branch);
};

const withEnvironment = (task: Fields, details: Details): Fields => {
  if (at(task, 'extra', 'github', 'env') !== true) return task;
  const payload = isFields(task.payload) ? task.payload : {};
  const env = { ...(isFields(payload.env) ? payload.env : {}), ...environmentOf(details) };
  return { ...task, payload: { ...payload, env } };
};

const wrongIn = (task: Fields): { path: readonly (string | number)[]; message: string }[] => {
  const github = at(task, 'extra', 'github');
  if (github === undefined) return [];
  const path = ['extra', 'github'];
  const refusals = checkGithub(github).map((refusal) => ({
    path: [...path, ...refusal.path],
    message: `extra.github: ${refusal.message}`,
  }));
  const isBoth = at(github, 'branches') !== undefined && at(github, 'excludeBranches') !== undefined;
  const message = 'extra.github has branches and excludeBranches; leave one out';
  return isBoth ? [...refusals, { path, message }] : refusals;
};

/** The tasks of a file of version 0 that are for this event. */
export const renderVersionZero = ({ source, config }: ReadFile, context: EventContext): Items => {
  const details = detailsOf(context);
  const parameters = parametersOf(context, details);
  const items: Item[] = [];
  const mistakes: Mistake[] = [];
  for (const [index, template] of (Array.isArray(config.tasks) ? config.tasks : []).entries()) {
    if (!isFields(template)) continue;
    const path = ['tasks', index];
    const label = textAt(template, 'metadata', 'name');
    try {
      const defaults = { created: createdDefault, deadline: deadlineDefault };
      const task = parameterize({ ...defaults, ...template }, parameters) as Fields;
      const wrong = wrongIn(task);
      mistakes.push(...wrong.map((one) => source.mistake([...path, ...one.path], one.message, label)));
      const github = at(task, 'extra', 'github');
      if (wrong.length > 0 || !isFields(github) || !isFor(github, details)) continue;
      items.push({ value: withEnvironment(task, details), path });
    } catch (error) {
      // A time that `$fromNow` cannot read.
      mistakes.push(source.mistake(path, (error as Error).message, label));
    }
  }
  return { items, mistakes };
};

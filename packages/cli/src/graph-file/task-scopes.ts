import { scopesSatisfy } from '@taskyard/client';
import { type Fields, isFields, type Path } from '@taskyard/taskcluster-yml/template';
import type { Draft } from './draft.ts';
import type { LinkMistake } from './links.ts';

/** A scope that a task needs when it runs, because of something in its payload. */
interface Need {
  readonly scope: string;
  /** What it is for, in words. */
  readonly purpose: string;
  /** The path below the task. */
  readonly path: Path;
  /** Whether it only gives access to artifacts of the same graph. */
  readonly isOwn: boolean;
}

const fieldsIn = (value: unknown): Fields[] =>
  Array.isArray(value) ? value.map((item) => (isFields(item) ? item : {})) : [];

const textIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The scopes to read an artifact: of a task of the graph, of another one, or of one in the index. */
const artifactNeeds = (
  { taskId, namespace, artifact: name }: Fields,
  path: Path,
  graph: ReadonlySet<string>,
): Need[] => {
  const artifact = textIn(name);
  if (artifact === undefined) return [];
  const isOwn = graph.has(String(taskId));
  const read = {
    scope: `queue:get-artifact:${artifact}`,
    purpose: `the artifact "${artifact}"`,
    path,
    isOwn,
  };
  // Most servers let everyone read public artifacts.
  const isOpen = !isOwn && artifact.startsWith('public/');
  const place = textIn(namespace);
  return [
    ...(isOpen ? [] : [read]),
    ...(place === undefined
      ? []
      : [{ scope: `index:find-task:${place}`, purpose: `the index at "${place}"`, path, isOwn: false }]),
  ];
};

const cacheNeed = (worker: string, name: string, path: Path): Need => ({
  scope: `${worker}:cache:${name}`,
  purpose: `the cache "${name}"`,
  path,
  isOwn: false,
});

const mountNeeds = ({ mounts }: Fields, graph: ReadonlySet<string>): Need[] =>
  fieldsIn(mounts).flatMap(({ cacheName, content }, index) => {
    const path = ['payload', 'mounts', index];
    const cache = textIn(cacheName);
    return [
      ...(cache === undefined ? [] : [cacheNeed('generic-worker', cache, path)]),
      ...(isFields(content) ? artifactNeeds(content, [...path, 'content'], graph) : []),
    ];
  });

const containerNeeds = ({ cache, image }: Fields, graph: ReadonlySet<string>): Need[] => [
  ...(isFields(cache)
    ? Object.keys(cache).map((name) => cacheNeed('docker-worker', name, ['payload', 'cache', name]))
    : []),
  ...(isFields(image) ? artifactNeeds({ ...image, artifact: image.path }, ['payload', 'image'], graph) : []),
];

const secretUrl = /\/secrets\/v1\/secret\/([A-Za-z0-9_./-]+)(?![A-Za-z0-9_./$-])/g;

/** Secrets that a command reads from the server, if their names are literal. */
const secretNeeds = (payload: Fields): Need[] => {
  const names = [...JSON.stringify(payload).matchAll(secretUrl)].map(([, name = '']) => name);
  return [...new Set(names)].map((name) => ({
    scope: `secrets:get:${name}`,
    purpose: `the secret "${name}"`,
    path: ['payload'],
    isOwn: false,
  }));
};

const scopesOf = ({ task }: Draft): string[] =>
  Array.isArray(task.scopes) ? task.scopes.filter((scope) => typeof scope === 'string') : [];

const missingIn = (draft: Draft, graph: ReadonlySet<string>): Need[] => {
  const { payload } = draft.task;
  const held = scopesOf(draft);
  const needs = [
    ...mountNeeds(payload, graph),
    ...('image' in payload ? containerNeeds(payload, graph) : []),
    ...secretNeeds(payload),
  ];
  return needs.filter(({ scope }) => !scopesSatisfy(held, [scope]));
};

const withOwnScopes = (draft: Draft, missing: readonly Need[]): Draft => {
  const added = missing.filter(({ isOwn }) => isOwn).map(({ scope }) => scope);
  if (added.length === 0) return draft;
  return { ...draft, task: { ...draft.task, scopes: [...new Set([...scopesOf(draft), ...added])] } };
};

/** One mistake for each task, with the line that corrects it. */
const mistakeOf = (draft: Draft, missing: readonly Need[]): LinkMistake[] => {
  const foreign = missing.filter(({ isOwn }) => !isOwn);
  const [first] = foreign;
  // Only the server knows the scopes of a role.
  if (!first || scopesOf(draft).some((scope) => scope.startsWith('assume:'))) return [];
  const line = JSON.stringify([...new Set([...scopesOf(draft), ...foreign.map(({ scope }) => scope)])]);
  const purposes = [...new Set(foreign.map(({ purpose }) => purpose))].join(', ');
  const message = `without a scope for ${purposes}; write in the task: scopes: ${line.replaceAll('","', '", "')}`;
  return [{ draft, path: first.path, message }];
};

/**
 * The tasks with the scopes to read artifacts of other tasks of the graph. Other scopes that their payloads need must be in
 * the file, since the submitter of the graph grants them.
 */
export const grantScopes = (drafts: readonly Draft[]): { granted: Draft[]; mistakes: LinkMistake[] } => {
  const graph = new Set(drafts.map(({ taskId }) => taskId));
  const each = drafts.map((draft) => ({ draft, missing: missingIn(draft, graph) }));
  return {
    granted: each.map(({ draft, missing }) => withOwnScopes(draft, missing)),
    mistakes: each.flatMap(({ draft, missing }) => mistakeOf(draft, missing)),
  };
};

import {
  type Answer,
  type Batched,
  bindQueries,
  bindVerbs,
  inBatches,
  inPath,
  inReads,
  later,
  minutes,
  RequestError,
  requireDate,
  type Sql,
  type Transaction,
  type Verb,
  type Work,
} from '../base/index.ts';
import { type Caller, type PageQuery, pageLimit, pagesOf, type Reply, redirectTo } from '../http/index.ts';
import type { Context } from './context.ts';
import * as lifecycle from './lifecycle.ts';
import type { IndexedTask, InsertTaskRequest, ListNamespacesResponse, ListTasksResponse } from './schema.ts';
import { pathPattern } from './schema.ts';
import * as store from './store.ts';

const signedUrlMs = minutes(15);
const beginningOfTime = new Date(0);

/** Puts entries into the index, in the order of their arrival. */
export const insertEntries = async (
  tx: Transaction,
  entries: readonly lifecycle.Entry[],
  now: Date,
): Promise<void> => {
  if (entries.length === 0) return;
  await store.upsertEntries(tx, lifecycle.winners(entries), now);
  await store.extendNamespaces(tx, lifecycle.namespacesOf(entries));
};

/** A task that a caller inserts at a path. */
export interface Insertion extends InsertTaskRequest {
  readonly path: string;
}

const entryOf = ({ path, taskId, rank, data, expires }: Insertion): lifecycle.Entry => ({
  ...lifecycle.placeOf(path),
  taskId,
  rank,
  data: JSON.stringify(data),
  expires: requireDate(expires, 'expires'),
});

const keyOf = ({ namespace, name }: lifecycle.Place): string => lifecycle.pathOf(namespace, name);

/** The same entries, none of which expires after its task, where the queue knows the task. */
const withinTasks = async (
  tx: Transaction,
  entries: readonly lifecycle.Entry[],
  { readStatuses }: Context,
): Promise<lifecycle.Entry[]> => {
  const statuses = await readStatuses(tx, [...new Set(entries.map(({ taskId }) => taskId))]);
  const expiryOf = new Map(statuses.map(({ taskId, expires }) => [taskId, new Date(expires)]));
  return entries.map((entry) => ({
    ...entry,
    expires: lifecycle.expiryWithin(entry.expires, expiryOf.get(entry.taskId)),
  }));
};

/** Puts tasks into the index; returns for each the entry that is at its path afterwards. */
const insertTasks: Verb<Insertion, IndexedTask, Context> = async (tx, insertions, { now, context }) => {
  const entries = await withinTasks(tx, insertions.map(entryOf), context);
  const mistakes = entries.map(lifecycle.mistakeIn);
  const sound = entries.filter((_, i) => mistakes[i] === undefined);
  await insertEntries(tx, sound, now);
  const present = await store.readEntries(tx, sound, { after: beginningOfTime, limit: sound.length });
  const entryAt = new Map(present.map((entry) => [keyOf(entry), entry]));
  return entries.map((entry, i) => {
    const mistake = mistakes[i];
    if (mistake !== undefined) return new RequestError('InputError', mistake);
    return lifecycle.entryView(entryAt.get(keyOf(entry)) ?? entry);
  });
};

/** Removes the entries at these paths from the index; an empty path is no error. */
const deleteTasks: Verb<string, object, Context> = async (tx, paths) => {
  await store.deleteEntries(tx, paths.map(lifecycle.placeOf));
  return paths.map(() => ({}));
};

/** The parameters of a page of a listing. */
export interface Listing extends PageQuery {
  readonly namespace: string;
}

const pages = {
  tasks: pagesOf('index.listTasks', ['text']),
  namespaces: pagesOf('index.listNamespaces', ['text']),
  atIndex: pagesOf('index.findTasksAtIndex', ['text']),
};

const partOf = (
  { namespace, limit }: Listing,
  { now }: Work<Context>,
  [afterName]: readonly [string] = [''],
) => ({
  namespace,
  afterName,
  after: now,
  limit: pageLimit(limit),
});

const byName = ({ name }: { readonly name: string }) => [name] as const;

/** A page of the tasks in a namespace. */
const listTasks = async (sql: Sql, listing: Listing, work: Work<Context>): Promise<ListTasksResponse> => {
  const entries = await store.listEntries(
    sql,
    partOf(listing, work, pages.tasks.keyIn(listing.continuationToken)),
  );
  const { rows, ...more } = pages.tasks.pageOf(entries, listing.limit, byName);
  return { tasks: rows.map(lifecycle.entryView), ...more };
};

/** A page of the namespaces in a namespace. */
const listNamespaces = async (
  sql: Sql,
  listing: Listing,
  work: Work<Context>,
): Promise<ListNamespacesResponse> => {
  const found = await store.listNamespaces(
    sql,
    partOf(listing, work, pages.namespaces.keyIn(listing.continuationToken)),
  );
  const { rows, ...more } = pages.namespaces.pageOf(found, listing.limit, byName);
  const namespaces = rows.map(({ parent, name, expires }) => ({
    namespace: lifecycle.pathOf(parent, name),
    name,
    expires: expires.toJSON(),
  }));
  return { namespaces, ...more };
};

/** Paths to look up. */
export interface LookUp extends Omit<Listing, 'namespace'> {
  readonly paths: readonly string[];
}

/** A page of the entries at these paths, in the order of the paths; empty paths are left out. */
const findTasksAt = async (
  sql: Sql,
  { paths, limit, continuationToken }: LookUp,
  { now }: Work<Context>,
): Promise<ListTasksResponse> => {
  const [after] = pages.atIndex.keyIn(continuationToken) ?? [''];
  const wanted = [...new Set(paths)].filter((path) => pathPattern.test(path) && path > after).sort();
  const entries = await store.readEntries(sql, wanted.map(lifecycle.placeOf), {
    after: now,
    limit: pageLimit(limit),
  });
  const { rows, ...more } = pages.atIndex.pageOf(entries, limit, (entry) => [keyOf(entry)]);
  return { tasks: rows.map(lifecycle.entryView), ...more };
};

const findTasks = async (
  sql: Sql,
  paths: readonly string[],
  { now }: Work<Context>,
): Promise<Answer<lifecycle.Entry>[]> => {
  const places = [...new Set(paths)].map(lifecycle.placeOf);
  const entries = await store.readEntries(sql, places, { after: now, limit: places.length });
  const entryAt = new Map(entries.map((entry) => [keyOf(entry), entry]));
  return paths.map(
    (path) =>
      entryAt.get(path) ?? new RequestError('ResourceNotFound', `There is no task at ${path} in the index.`),
  );
};

/** An artifact of an indexed task, and the caller that asks for it. */
export interface ArtifactWanted {
  readonly path: string;
  readonly name: string;
  readonly caller: Caller;
}

/** The URL of an artifact, for a caller who may read it. */
const artifactUrl = async (
  context: Context,
  taskId: string,
  { name, caller }: ArtifactWanted,
): Promise<string> => {
  const url = `${context.rootUrl()}/api/queue/v1/task/${taskId}/artifacts/${inPath(name)}`;
  if ((await context.anonymous()).satisfies(`queue:get-artifact:${name}`)) return url;
  const start = context.clock.now();
  const latest = later(start, signedUrlMs);
  return context.signUrl(url, {
    scopes: lifecycle.readingScopes(caller.scopes, name),
    start,
    expiry: new Date(Math.min(caller.expires.getTime(), latest.getTime())),
  });
};

const verbs = {
  insertTask: inBatches(insertTasks),
  deleteTask: inBatches(deleteTasks),
  findIndexedTask: inReads(findTasks),
};
const queries = { findTasksAt, listTasks, listNamespaces };

/** Finds tasks here, and those that are not here, or newer, among what another deployment has published, if there is one. */
const findWith = (context: Context, find: Batched<string, lifecycle.Entry>) => {
  const { findPublished } = context;
  const isMissing = (answer: Answer<lifecycle.Entry> | undefined): answer is RequestError =>
    answer instanceof RequestError && answer.code === 'ResourceNotFound';
  const lookedAt = (path: string, answer: Answer<lifecycle.Entry> | undefined) =>
    isMissing(answer)
      ? [{ path }]
      : answer instanceof RequestError || !answer
        ? []
        : [{ path, taskId: answer.taskId }];
  return {
    one: async (path: string): Promise<lifecycle.Entry> => {
      if (!findPublished) return find.one(path);
      const [answer] = await find.all([path]);
      const { isAsked, trouble } = (await findPublished(lookedAt(path, answer))) ?? {};
      if (trouble !== undefined && isMissing(answer))
        throw new RequestError('ResourceNotFound', `${answer.message} ${trouble}`);
      if (isAsked || !answer) return find.one(path);
      if (answer instanceof RequestError) throw answer;
      return answer;
    },
    /** Looks for those that are not here, so that they are. */
    prepare: async (paths: readonly string[]): Promise<void> => {
      if (!findPublished) return;
      const wanted = paths.filter((path) => pathPattern.test(path));
      const answers = await find.all(wanted);
      const looked = wanted.flatMap((path, i) => lookedAt(path, answers[i]));
      if (looked.length > 0) await findPublished(looked);
    },
  };
};

/** The verbs of the index, bound to what it was opened with. */
export const indexVerbs = (context: Context) => {
  const { insertTask, deleteTask, findIndexedTask } = bindVerbs(context, verbs);
  const bound = bindQueries(context, queries);
  const find = findWith(context, findIndexedTask);
  return {
    ...bound,
    insertTask: insertTask.one,
    deleteTask: deleteTask.one,
    findTask: async (path: string): Promise<IndexedTask> => lifecycle.entryView(await find.one(path)),
    /** The first page finds them, wherever they are. */
    findTasksAt: async (wanted: LookUp): Promise<ListTasksResponse> => {
      if (wanted.continuationToken === undefined) await find.prepare(wanted.paths);
      return bound.findTasksAt(wanted);
    },
    /** Redirects a caller with the right to read it to the artifact of the last run. */
    findArtifact: async (wanted: ArtifactWanted): Promise<Reply> => {
      const { taskId } = await find.one(wanted.path);
      return redirectTo(await artifactUrl(context, taskId, wanted));
    },
  };
};

export type IndexVerbs = ReturnType<typeof indexVerbs>;

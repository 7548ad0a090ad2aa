import {
  type Answer,
  type BatchDeps,
  batched,
  batchedRead,
  later,
  minutes,
  RequestError,
  requireDate,
  type Sql,
  type Transaction,
} from '../base/index.ts';
import { type Caller, pageLimit, pagesOf, type Reply, redirectTo } from '../http/index.ts';
import * as lifecycle from './lifecycle.ts';
import type { IndexedTask, InsertTaskRequest, ListNamespacesResponse, ListTasksResponse } from './schema.ts';
import { pathPattern } from './schema.ts';
import * as store from './store.ts';

export interface Room extends BatchDeps {
  /** Under which clients reach the platform. */
  rootUrl(): string;
  /** Somebody without credentials. */
  anonymous(): Promise<Caller>;
  /** A URL that lets whoever has it GET what these scopes allow. */
  signUrl(url: string, wanted: { scopes: readonly string[]; start: Date; expiry: Date }): string;
  /** Definitions of tasks as JSON text, each or why there is none. */
  readDefinitions(tx: Sql, taskIds: string[]): Promise<Answer<string>[]>;
}

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

/** A task that somebody puts at a path. */
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

/** Answers each with what stands at its path then. */
const insertTasks = async (
  tx: Transaction,
  insertions: Insertion[],
  now: Date,
): Promise<Answer<IndexedTask>[]> => {
  const entries = insertions.map(entryOf);
  const mistakes = entries.map(lifecycle.mistakeIn);
  const sound = entries.filter((_, i) => mistakes[i] === undefined);
  await insertEntries(tx, sound, now);
  const standing = await store.readEntries(tx, sound, { after: beginningOfTime, limit: sound.length });
  const entryAt = new Map(standing.map((entry) => [keyOf(entry), entry]));
  return entries.map((entry, i) => {
    const mistake = mistakes[i];
    if (mistake !== undefined) return new RequestError('InputError', mistake);
    return lifecycle.entryView(entryAt.get(keyOf(entry)) ?? entry);
  });
};

/** What a page of a listing is asked with. */
export interface Listing {
  readonly namespace: string;
  readonly limit?: number | undefined;
  readonly continuationToken?: string | undefined;
}

const pages = {
  tasks: pagesOf('index.listTasks', ['text']),
  namespaces: pagesOf('index.listNamespaces', ['text']),
  atIndex: pagesOf('index.findTasksAtIndex', ['text']),
};

const partOf = ({ clock }: Room, { namespace, limit }: Listing, [afterName]: readonly [string] = ['']) => ({
  namespace,
  afterName,
  after: clock.now(),
  limit: pageLimit(limit),
});

const byName = ({ name }: { readonly name: string }) => [name] as const;

/** A page of the tasks in a namespace. */
const listTasks = async (room: Room, listing: Listing): Promise<ListTasksResponse> => {
  const entries = await store.listEntries(
    room.db,
    partOf(room, listing, pages.tasks.keyIn(listing.continuationToken)),
  );
  const { rows, ...more } = pages.tasks.pageOf(entries, listing.limit, byName);
  return { tasks: rows.map(lifecycle.entryView), ...more };
};

/** A page of the namespaces in a namespace. */
const listNamespaces = async (room: Room, listing: Listing): Promise<ListNamespacesResponse> => {
  const found = await store.listNamespaces(
    room.db,
    partOf(room, listing, pages.namespaces.keyIn(listing.continuationToken)),
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

/** A page of what stands at these paths, in the order of the paths; those that nothing stands at are left out. */
const findTasksAt = async (room: Room, lookUp: LookUp): Promise<ListTasksResponse> => {
  const { paths, limit, continuationToken } = lookUp;
  const [after] = pages.atIndex.keyIn(continuationToken) ?? [''];
  const wanted = [...new Set(paths)].filter((path) => pathPattern.test(path) && path > after).sort();
  const entries = await store.readEntries(room.db, wanted.map(lifecycle.placeOf), {
    after: room.clock.now(),
    limit: pageLimit(limit),
  });
  const { rows, ...more } = pages.atIndex.pageOf(entries, limit, (entry) => [keyOf(entry)]);
  return { tasks: rows.map(lifecycle.entryView), ...more };
};

const findTasks = async (
  db: Sql,
  paths: readonly string[],
  now: Date,
): Promise<Answer<lifecycle.Entry>[]> => {
  const places = [...new Set(paths)].map(lifecycle.placeOf);
  const entries = await store.readEntries(db, places, { after: now, limit: places.length });
  const entryAt = new Map(entries.map((entry) => [keyOf(entry), entry]));
  return paths.map(
    (path) =>
      entryAt.get(path) ?? new RequestError('ResourceNotFound', `There is no task at ${path} in the index.`),
  );
};

/** An artifact of an indexed task, and who asks for it. */
export interface ArtifactWanted {
  readonly path: string;
  readonly name: string;
  readonly caller: Caller;
}

/** Where the artifact of a task is found, for somebody who may read it. */
const artifactUrl = async (room: Room, taskId: string, { name, caller }: ArtifactWanted): Promise<string> => {
  const words = name.split('/').map(encodeURIComponent).join('/');
  const url = `${room.rootUrl()}/api/queue/v1/task/${taskId}/artifacts/${words}`;
  if ((await room.anonymous()).satisfies(`queue:get-artifact:${name}`)) return url;
  const start = room.clock.now();
  const latest = later(start, signedUrlMs);
  return room.signUrl(url, {
    scopes: lifecycle.readingScopes(caller.scopes, name),
    start,
    expiry: new Date(Math.min(caller.expires.getTime(), latest.getTime())),
  });
};

/** The verbs of the index, bound to where they work. */
export const bindVerbs = (room: Room) => {
  const insertions = batched(room, 'insert-indexed-tasks', insertTasks);
  const deletions = batched(room, 'delete-indexed-tasks', async (tx, paths: string[]) => {
    await store.deleteEntries(tx, paths.map(lifecycle.placeOf));
    return paths.map(() => ({}));
  });
  const look = batchedRead(room, 'find-indexed-tasks', (db, paths: string[]) =>
    findTasks(db, paths, room.clock.now()),
  );
  return {
    insertTask: insertions.one,
    deleteTask: deletions.one,
    findTask: async (path: string): Promise<IndexedTask> => lifecycle.entryView(await look.one(path)),
    findTasksAt: (lookUp: LookUp) => findTasksAt(room, lookUp),
    listTasks: (listing: Listing) => listTasks(room, listing),
    listNamespaces: (listing: Listing) => listNamespaces(room, listing),
    /** Sends the caller, who may read it, to the artifact of the last run. */
    findArtifact: async (wanted: ArtifactWanted): Promise<Reply> => {
      const { taskId } = await look.one(wanted.path);
      return redirectTo(await artifactUrl(room, taskId, wanted));
    },
  };
};

export type IndexVerbs = ReturnType<typeof bindVerbs>;

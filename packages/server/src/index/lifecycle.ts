import { dateIn, days, lastDate } from '../base/index.ts';
import { type IndexedTask, pathPattern } from './schema.ts';

/** The path of an entry: the root namespace is empty. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** A task at its path in the index. */
export interface Entry extends Place {
  readonly taskId: string;
  readonly rank: number;
  readonly expires: Date;
  /** A JSON object, as text. */
  readonly data: string;
}

/** A namespace within another. */
export interface Namespace {
  readonly parent: string;
  readonly name: string;
  readonly expires: Date;
}

const dataBytesMax = 32 * 1024;

export const placeOf = (path: string): Place => {
  const dot = path.lastIndexOf('.');
  return { namespace: path.slice(0, Math.max(0, dot)), name: path.slice(dot + 1) };
};

export const pathOf = (namespace: string, name: string): string =>
  namespace === '' ? name : `${namespace}.${name}`;

/** An entry as clients see it. */
export const entryView = ({ namespace, name, taskId, rank, data, expires }: Entry): IndexedTask => ({
  namespace: pathOf(namespace, name),
  taskId,
  rank,
  data: JSON.parse(data) as IndexedTask['data'],
  expires: expires.toJSON(),
});

/** Errors in the parts of an entry that no schema checks. */
export const mistakeIn = ({ rank, data }: Pick<Entry, 'rank' | 'data'>): string | undefined => {
  if (!Number.isSafeInteger(rank)) return `The rank must be a whole number, not ${rank}.`;
  if (Buffer.byteLength(data) > dataBytesMax)
    return `The data must not be larger than ${dataBytesMax} bytes.`;
  return undefined;
};

/** Of these entries, in the order of their arrival, the one that each path ends up with. */
export const winners = (entries: readonly Entry[]): Entry[] => {
  const standing = new Map<string, Entry>();
  for (const entry of entries) {
    const path = pathOf(entry.namespace, entry.name);
    const other = standing.get(path);
    if (!other || entry.rank >= other.rank) standing.set(path, entry);
  }
  return [...standing.values()];
};

const endOfDay = (time: Date): Date =>
  new Date(Math.min(Math.ceil(time.getTime() / days(1)) * days(1), lastDate.getTime()));

/** All namespaces of these entries, each with the latest expiry that one of them needs. */
export const namespacesOf = (entries: readonly Entry[]): Namespace[] => {
  const needed = new Map<string, Date>();
  for (const { namespace, expires } of entries) {
    for (let path = namespace; path !== ''; path = placeOf(path).namespace) {
      const other = needed.get(path);
      if (!other || other < expires) needed.set(path, expires);
    }
  }
  return [...needed].map(([path, expires]) => {
    const { namespace, name } = placeOf(path);
    return { parent: namespace, name, expires: endOfDay(expires) };
  });
};

/** What a message about a completed task says. */
export interface CompletedTask {
  readonly taskId: string;
  readonly routes: readonly string[];
  readonly expires: string;
  /** `extra.index` of the definition, whatever that is. */
  readonly wish: unknown;
}

/** The expiry of an entry that was asked for: at the latest that of its task, whose artifacts are deleted then. */
export const expiryWithin = (wanted: Date, taskExpires: Date | undefined): Date =>
  taskExpires && taskExpires < wanted ? taskExpires : wanted;

const prefix = 'index.';

/** The entries that a task asks for by its routes `index.<path>`, and why others cannot be made. */
export const entriesOf = (task: CompletedTask): { entries: Entry[]; mistakes: string[] } => {
  const paths = task.routes
    .filter((route) => route.startsWith(prefix))
    .map((route) => route.slice(prefix.length));
  const mistakes = paths
    .filter((path) => !pathPattern.test(path))
    .map((path) => `'${path}' is not a path of the index.`);
  const wish = (isObject(task.wish) ? task.wish : {}) as Readonly<Record<string, unknown>>;
  const rank = typeof wish.rank === 'number' ? wish.rank : 0;
  const data = JSON.stringify(isObject(wish.data) ? wish.data : {});
  const wanted = dateIn(typeof wish.expires === 'string' ? wish.expires : task.expires);
  const expires = wanted && expiryWithin(wanted, dateIn(task.expires));
  const mistake = expires ? mistakeIn({ rank, data }) : `'${wish.expires}' is not a time.`;
  if (mistake || !expires) return { entries: [], mistakes: [...mistakes, mistake ?? ''] };
  const entries = paths
    .filter((path) => pathPattern.test(path))
    .map((path) => ({ ...placeOf(path), taskId: task.taskId, rank, data, expires }));
  return { entries, mistakes };
};

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const reading = 'queue:get-artifact:';
const readingScopesMax = 20;

/**
 * The part of a caller's scopes that a signed URL to an artifact gets. The artifact may be a link to other artifacts, and
 * the URL must not open any that the caller could not read. A URL has room for a few scopes; a caller with more gets a URL
 * with the scope of the artifact itself.
 */
export const readingScopes = (scopes: readonly string[], name: string): string[] => {
  const hasAll = scopes.some((scope) => scope.endsWith('*') && reading.startsWith(scope.slice(0, -1)));
  if (hasAll) return [`${reading}*`];
  const fitting = scopes.filter((scope) => scope.startsWith(reading));
  return fitting.length <= readingScopesMax ? fitting : [reading + name];
};

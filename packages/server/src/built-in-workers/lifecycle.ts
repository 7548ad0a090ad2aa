/** How the tasks of each built-in queue end. */
export const ends = { succeed: 'completed', fail: 'failed' } as const;

/** The name of a built-in worker: of its queue too, behind the `built-in/`. */
export type BuiltInName = keyof typeof ends;
export const builtInNames = Object.keys(ends) as BuiltInName[];

export const workerGroup = 'built-in';
export const taskQueueOf = (name: BuiltInName): string => `built-in/${name}`;

/** How a task ends that asks for something: there is nobody here who would do it. */
export type End =
  | { readonly end: (typeof ends)[BuiltInName] }
  | { readonly end: 'exception'; readonly reason: 'malformed-payload' };

/** How a task with this payload ends. */
export const endOf = (name: BuiltInName, payload: unknown): End =>
  isEmpty(payload) ? { end: ends[name] } : { end: 'exception', reason: 'malformed-payload' };

const isEmpty = (payload: unknown): boolean =>
  typeof payload === 'object' &&
  payload !== null &&
  !Array.isArray(payload) &&
  Object.keys(payload).length === 0;

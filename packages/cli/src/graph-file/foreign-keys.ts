import type { Refusal } from '@taskyard/taskcluster-yml/template';

const inPayload = [
  ...['artifacts', 'cache', 'capabilities', 'env', 'features', 'image', 'log', 'logs'],
  ...['maxRunTime', 'mounts', 'onExitStatus', 'osGroups'],
];
const toRun = 'write "run: |" with a script, or "payload: {command: [[…]]}"';
const toQueue = 'write "taskQueueId: <provisionerId>/<workerType>"';
const toLimit = 'write "payload: {maxRunTime: <seconds>}"';
const filledIn = 'it is filled in, so leave it out';

/** The names of keys of other formats here. */
const inTask: Readonly<Record<string, string>> = {
  ...Object.fromEntries(inPayload.map((key) => [key, `write "payload: {${key}: …}"`])),
  command: toRun,
  commands: toRun,
  script: toRun,
  steps: toRun,
  worker: 'what a worker is told is the "payload"',
  provisionerId: toQueue,
  workerType: toQueue,
  'worker-type': toQueue,
  'runs-on': toQueue,
  timeout: toLimit,
  'timeout-minutes': toLimit,
  created: filledIn,
  taskGroupId: filledIn,
  taskId: filledIn,
  label: 'the label is the key of the task',
  name: 'write "metadata: {name: …}"',
  description: 'write "metadata: {description: …}"',
  owner: 'write "metadata: {owner: …}"',
};

const needs = 'dependencies holds taskIds of tasks outside of this file; for those of this file, write';

const keyIn = ({ message }: Refusal): string | undefined => /^unknown key "([^"]+)"/.exec(message)?.[1];

/** The hint for a refused key or value of another format: how it is written here. */
export const inOurWords = (refusal: Refusal, written: unknown): Refusal => {
  const { path } = refusal;
  const key = path.length === 1 ? keyIn(refusal) : undefined;
  const ours = key !== undefined && Object.hasOwn(inTask, key) ? inTask[key] : undefined;
  if (ours !== undefined) return { path, message: `unknown key "${key}": ${ours}` };
  if (path[0] === 'dependencies') {
    const { dependencies } = written as { dependencies?: unknown };
    const label = Array.isArray(dependencies) ? dependencies[Number(path[1])] : undefined;
    return { path, message: `${needs} "needs: [${typeof label === 'string' ? label : '<label>'}]"` };
  }
  if (path[0] === 'source')
    return {
      path,
      message: `${refusal.message}; where the source comes from is said at the top of the file`,
    };
  return refusal;
};

/** The same for a top-level key of the file. */
export const inOurWordsAtTop = (refusal: Refusal, taskKeys: readonly string[]): Refusal => {
  const key = refusal.path.length === 1 ? keyIn(refusal) : undefined;
  if (key === undefined) return refusal;
  const { path } = refusal;
  if (taskKeys.includes(key) || Object.hasOwn(inTask, key)) {
    const hint = `it belongs in a task, or in "defaults" for all of them`;
    return { path, message: `unknown key "${key}": ${hint}` };
  }
  return ['policy', 'reporting', 'autoCancelPreviousChecks'].includes(key)
    ? {
        path,
        message: `unknown key "${key}": graph files have nothing like it; to run a .taskcluster.yml of another name, add "--event push"`,
      }
    : refusal;
};

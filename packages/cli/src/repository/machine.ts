import { type Fields, isFields } from '@taskyard/taskcluster-yml/template';

/** What this machine has for tasks. */
export interface Machine {
  /** Why no task with an image of its own can run; undefined where one can. */
  readonly withoutContainers: string | undefined;
  /** Task queues that the user keeps away, with stars for any text. */
  readonly kept: readonly string[];
}

/** The queue of a task, in whichever of the two ways it is named. */
export const queueOf = ({ taskQueueId, provisionerId, workerType }: Fields): string =>
  typeof taskQueueId === 'string' ? taskQueueId : `${provisionerId}/${workerType}`;

/** Queues that the server itself takes tasks of. */
const isOfServer = (taskQueueId: string): boolean => taskQueueId.startsWith('built-in/');

const matches = (taskQueueId: string, pattern: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  ).test(taskQueueId);

/** Words of a queue's name for machines of another kind. */
const otherMachines: readonly [pattern: RegExp, name: string][] = [
  [/(^|[-_/])win(dows)?(\d+[-\w]*)?([-_/]|$)/i, 'Windows'],
  [/(^|[-_/])(osx|macos|mac)([-_\d/]|$)/i, 'macOS'],
  [/(^|[-_/])gpu([-_/]|$)/i, 'a GPU'],
];

const windowsFeatures = ['runAsAdministrator', 'hideCmdWindow'];

/** What the worker of a generic payload would have to be. */
const systemOf = ({ command, features, rdpInfo }: Fields): string | undefined => {
  const isLineByLine = Array.isArray(command) && command.some((line) => typeof line === 'string');
  const wanted = isFields(features) ? windowsFeatures.filter((name) => features[name] === true) : [];
  return isLineByLine || wanted.length > 0 || rdpInfo !== undefined ? 'Windows' : undefined;
};

const imageName = (image: unknown): string => {
  if (typeof image === 'string') return image;
  const { name, namespace, path } = (isFields(image) ? image : {}) as Record<string, string | undefined>;
  return name ?? namespace ?? path ?? 'of another task';
};

/** Which kind of payload a task has: it decides what kind of worker takes it. */
export const formatOf = ({ payload }: Fields): 'docker' | 'generic' | 'other' => {
  if (!isFields(payload)) return 'other';
  if ('image' in payload) return 'docker';
  return 'command' in payload ? 'generic' : 'other';
};

/** Why a task cannot run on this machine, in a few words; undefined for one that can. */
export const reasonToSkip = (task: Fields, { withoutContainers, kept }: Machine): string | undefined => {
  const queue = queueOf(task);
  if (isOfServer(queue)) return undefined;
  if (kept.some((pattern) => matches(queue, pattern))) return `${queue} is not to be served here`;
  const payload = isFields(task.payload) ? task.payload : {};
  const format = formatOf(task);
  if (format === 'other')
    return `its payload has neither a command nor an image: ${queue} has workers of another kind, such as those that sign`;
  if (format === 'docker') {
    if (withoutContainers === undefined) return gpuOf(queue);
    return `it runs in the image ${imageName(payload.image)}, and ${withoutContainers}`;
  }
  const system = systemOf(payload) ?? otherMachines.find(([pattern]) => pattern.test(queue))?.[1];
  return system === undefined || (system === 'macOS' && process.platform === 'darwin')
    ? undefined
    : `it needs ${system} (${queue})`;
};

/** An image runs anywhere, but for what it needs of the machine. */
const gpuOf = (queue: string): string | undefined =>
  otherMachines.some(([pattern, name]) => name === 'a GPU' && pattern.test(queue))
    ? `it needs a GPU (${queue})`
    : undefined;

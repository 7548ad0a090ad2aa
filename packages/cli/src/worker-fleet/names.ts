import { CommandError, exitCodes } from '../exit-codes.ts';

/** The two halves of a task queue's name, for the older methods. */
export const halvesOf = (taskQueueId: string): [provisionerId: string, workerType: string] => {
  const [provisionerId = '', workerType = '', more] = taskQueueId.split('/');
  if (!provisionerId || !workerType || more !== undefined) {
    throw new CommandError(
      exitCodes.usage,
      `"${taskQueueId}" must be written as <provisioner>/<worker type>.`,
    );
  }
  return [provisionerId, workerType];
};

/** The group and the name of a worker that is written as `<group>/<worker>`. */
export const workerNamed = (name: string): [workerGroup: string, workerId: string] => {
  const at = name.indexOf('/');
  if (at < 1 || at === name.length - 1) {
    throw new CommandError(exitCodes.usage, `"${name}" must be written as <group>/<worker>.`);
  }
  return [name.slice(0, at), name.slice(at + 1)];
};

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, type Queue } from '@taskyard/client';
import { cancelGroup } from './group/cancel.ts';

// A run that was killed cannot cancel its group. So it has a file while it runs, and a platform that finds the file of a
// killed run cancels its group, so that no task runs for nothing.

const folderOf = (data: string): string => join(data, 'runs');

/** Records in the data folder that a run is about to create this group. */
export const noteRun = async (data: string, taskGroupId: string): Promise<void> => {
  await mkdir(folderOf(data), { recursive: true });
  await writeFile(join(folderOf(data), taskGroupId), '');
};

/** Deletes the record of the run when its group has ended. */
export const forgetRun = (data: string, taskGroupId: string): Promise<void> =>
  rm(join(folderOf(data), taskGroupId), { force: true });

/** Cancels the group of a run that has been killed. A group that was never created needs nothing. */
export const cancelRun = async (data: string, queue: Queue, taskGroupId: string): Promise<void> => {
  try {
    await cancelGroup(queue, taskGroupId);
  } catch (error) {
    if (!(error instanceof ApiError && error.statusCode === 404)) throw error;
  }
  await forgetRun(data, taskGroupId);
};

/** Cancels the groups of all runs that were killed together with the platform. To be called before tasks are claimed. */
export const cancelRunsLeftBehind = async (data: string, queue: Queue): Promise<void> => {
  const left = await readdir(folderOf(data)).catch(() => []);
  for (const taskGroupId of left) await cancelRun(data, queue, taskGroupId);
};

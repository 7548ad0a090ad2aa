import { hours, type Loop, later, minutes } from '../base/index.ts';
import type { DiskBackend } from './bytes/disk.ts';
import type { Context } from './context.ts';
import { expireObjects } from './service/index.ts';

const cutOffAfterMs = hours(24);

/** Background work: deletes expired objects, and the remains of interrupted uploads on disk. */
export const objectLoops = (context: Context): readonly Loop[] => {
  const disks = [...context.disks.values()];
  const sweep: Loop = {
    name: 'sweep-cut-off-uploads',
    everyMs: hours(1),
    limit: Number.POSITIVE_INFINITY,
    step: () => sweepAll(disks, later(context.clock.now(), -cutOffAfterMs)),
  };
  return [
    {
      name: 'expire-objects',
      everyMs: minutes(10),
      limit: 100,
      step: (limit) => expireObjects(context, limit),
    },
    ...(disks.length > 0 ? [sweep] : []),
  ];
};

const sweepAll = async (disks: readonly DiskBackend[], before: Date): Promise<number> => {
  const swept = await Promise.all(disks.map((disk) => disk.files.sweepUploads(before)));
  return swept.reduce((sum, count) => sum + count, 0);
};

import { type Clock, hours, type Loop, later, minutes } from '../base/index.ts';
import type { DiskBackend } from './bytes/disk.ts';
import type { createObjectService } from './service.ts';

const cutOffAfterMs = hours(24);

export const objectLoops = (
  service: ReturnType<typeof createObjectService>,
  { clock, disks }: { clock: Clock; disks: readonly DiskBackend[] },
): Loop[] => [
  { name: 'expire-objects', everyMs: minutes(10), limit: 100, step: service.expireObjects },
  ...(disks.length > 0
    ? [
        {
          name: 'sweep-cut-off-uploads',
          everyMs: hours(1),
          limit: Number.POSITIVE_INFINITY,
          step: () => sweepAll(disks, later(clock.now(), -cutOffAfterMs)),
        },
      ]
    : []),
];

const sweepAll = async (disks: readonly DiskBackend[], before: Date): Promise<number> => {
  const swept = await Promise.all(disks.map((disk) => disk.files.sweepUploads(before)));
  return swept.reduce((sum, count) => sum + count, 0);
};

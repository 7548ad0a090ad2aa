import { type Clock, hours, type Loop, later, minutes } from '../base/index.ts';
import type { DiskBackend } from './bytes/disk.ts';
import type { createObjectService } from './service.ts';

const cutOffAfterMs = hours(24);

export const objectLoops = (
  service: ReturnType<typeof createObjectService>,
  { clock, disk }: { clock: Clock; disk: DiskBackend | undefined },
): Loop[] => [
  { name: 'expire-objects', everyMs: minutes(10), limit: 100, step: service.expireObjects },
  ...(disk
    ? [
        {
          name: 'sweep-cut-off-uploads',
          everyMs: hours(1),
          limit: Number.POSITIVE_INFINITY,
          step: () => disk.files.sweepUploads(later(clock.now(), -cutOffAfterMs)),
        },
      ]
    : []),
];

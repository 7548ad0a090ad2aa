import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';
import { eventually } from '@taskyard/patience';
import type { Ending } from '../support/platform.ts';

/** Why no disk can be filled here; `false` where one can. `scripts/chaos.mjs` says so, when it has made a mount namespace. */
export const noDisk: string | false = process.env.CHAOS_DISK
  ? false
  : 'it takes root on Linux to mount a disk';

/** A disk in memory, which can be made full. */
export interface Disk {
  fill(): Promise<void>;
  empty(): Promise<void>;
}

const run = promisify(execFile);
const size = '16g';

/** Mounts a disk upon an empty folder, until the end. */
export const mountDisk = async (ending: Ending, folder: string): Promise<Disk> => {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0711`, 'tmpfs', folder]);
  ending.after(async () => void (await run('umount', ['--lazy', folder])));
  const resize = (to: string) => run('mount', ['-o', `remount,size=${to}`, folder]);
  return {
    fill: async () => {
      await eventually('the disk to be full', async () => {
        const { blocks, bfree, bsize } = await statfs(folder);
        // Meanwhile more may have been written than it would hold.
        return resize(String((blocks - bfree) * bsize)).then(
          () => true,
          () => false,
        );
      });
    },
    empty: async () => void (await resize(size)),
  };
};

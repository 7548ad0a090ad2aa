import { statfs } from 'node:fs/promises';
import type { Evictable } from './mounts/index.ts';
import type { WorkerLog } from './worker-log.ts';

/** Keeps space free on a worker's disk, by removing caches, downloads and images that tasks could have reused. */
export interface DiskGuard {
  /** Frees space when necessary; returns whether there is enough. */
  makeRoom(): Promise<boolean>;
}

export interface DiskGuardOptions {
  readonly log: WorkerLog;
  readonly freeBytesMin: number;
  readonly freeBytes: () => Promise<number>;
  /** Things that no task uses at the moment. */
  readonly evictable: () => Promise<readonly Evictable[]>;
  /** Frees this many bytes of images, if possible. */
  readonly evictImages: (bytes: number) => Promise<unknown>;
}

/** The free space for users other than root, on the disk of a path. */
export const freeBytesAt = async (path: string): Promise<number> => {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
};

const mebibyte = 1024 * 1024;

/** Enough for small tasks; builds need more. */
export const freeDiskMiBDefault = 512;

/** The space to keep free on the disk of a path, in bytes: the setting, or 512 MiB, or half of a smaller disk. */
export const freeBytesMinAt = async (path: string, askedMiB: number | undefined): Promise<number> => {
  if (askedMiB !== undefined) return askedMiB * mebibyte;
  const { blocks, bsize } = await statfs(path);
  return Math.min(freeDiskMiBDefault * mebibyte, (blocks * bsize) / 2);
};

/** In the order in which things are removed. */
export const oldestFirst = (things: readonly Evictable[]): Evictable[] =>
  [...things].sort((a, b) => a.usedAt.getTime() - b.usedAt.getTime());

/** Removes the least recently used things, until enough is free. Images come last, since they are the slowest to get. */
export const diskGuard = (options: DiskGuardOptions): DiskGuard => {
  const { log, freeBytesMin, freeBytes, evictable, evictImages } = options;
  let wasFull = false;
  const isEnough = async (): Promise<boolean> => (await freeBytes()) >= freeBytesMin;
  const evict = async (): Promise<void> => {
    let evicted = 0;
    for (const one of oldestFirst(await evictable())) {
      if (await isEnough()) break;
      await one.remove();
      evicted++;
    }
    const lacking = freeBytesMin - (await freeBytes());
    if (lacking > 0) await evictImages(lacking);
    if (evicted > 0) log.info({ evicted }, 'caches and downloads were removed, as the disk is nearly full');
  };
  return {
    makeRoom: async () => {
      if (await isEnough()) {
        wasFull = false;
        return true;
      }
      await evict();
      const hasRoom = await isEnough();
      if (!hasRoom && !wasFull) {
        const free = await freeBytes();
        log.error({ free, freeBytesMin }, 'the disk is full: no tasks are claimed until there is room');
      }
      wasFull = !hasRoom;
      return hasRoom;
    },
  };
};

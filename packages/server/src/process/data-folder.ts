import { randomBytes } from 'node:crypto';
import { mkdir, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { postgresFolder, seconds, systemClock } from '../base/index.ts';

/** The state of the data folder of a platform. */
export interface FolderFacts {
  /** The inode of a file that is never replaced while the database runs; undefined when it is missing. */
  readonly inode: number | undefined;
  readonly freeBytes: number;
}

/** PostgreSQL writes its journal in files of 16 MB, and crashes when there is no space for the next one. */
const freeBytesMin = 32 * 1024 * 1024;

/** Why a platform cannot continue in its data folder, as a sentence; undefined when it can. */
export const complaintAbout = (
  data: string,
  now: FolderFacts,
  before: FolderFacts | undefined,
): string | undefined => {
  if (now.inode === undefined) return `The data folder ${data} has been deleted, and the database with it.`;
  if (before && now.inode !== before.inode)
    return `The data folder ${data} has been replaced by another one.`;
  if (now.freeBytes < freeBytesMin) {
    const megabytes = Math.floor(now.freeBytes / 1_000_000);
    return `The disk that holds ${data} is full (${megabytes} MB are free). Make room, and start again.`;
  }
  return undefined;
};

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

const factsOf = async (data: string): Promise<FolderFacts> => {
  const found = await stat(join(data, postgresFolder, 'data/PG_VERSION')).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (!found) return { inode: undefined, freeBytes: 0 };
  const { bavail, bsize } = await statfs(data);
  return { inode: found.ino, freeBytes: bavail * bsize };
};

class FullDisk extends Error {}

const requireRoom = async (data: string): Promise<void> => {
  const { bavail, bsize } = await statfs(data);
  const complaint = complaintAbout(data, { inode: 0, freeBytes: bavail * bsize }, undefined);
  if (complaint) throw new FullDisk(complaint);
};

/**
 * Creates the folder if it is missing, readable only by its owner, and checks that it is writable. Throws a sentence when it
 * is not.
 */
export const prepareDataFolder = async (data: string): Promise<void> => {
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await requireRoom(data);
    const probe = join(data, `probe.${randomBytes(6).toString('hex')}`);
    await writeFile(probe, 'x', { flag: 'wx' });
    await unlink(probe);
  } catch (error) {
    if (error instanceof FullDisk) throw error;
    throw new Error(`the data folder ${resolve(data)} cannot be written to: ${(error as Error).message}`);
  }
};

/** Why a database is lost: what is wrong with its folder, if anything is, since its own words tell less; else the error. */
export const causeOfLoss = async (data: string, error: Error): Promise<Error> => {
  const complaint = await factsOf(data).then(
    (now) => complaintAbout(data, now, undefined),
    () => undefined,
  );
  return complaint ? new Error(complaint) : error;
};

const lookEveryMs = seconds(1);

/** Watches the folder of a running database, and calls back once when the platform cannot continue in it. */
export const watchDataFolder = async (data: string, onLost: (error: Error) => void): Promise<() => void> => {
  const first = await factsOf(data);
  let isWatching = true;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    const complaint = await factsOf(data).then(
      (now) => complaintAbout(data, now, first),
      (error: Error) => `The data folder ${data} cannot be read any more: ${error.message}`,
    );
    if (!isWatching) return;
    if (complaint) onLost(new Error(complaint));
    else cancel = systemClock.after(lookEveryMs, () => void look());
  };
  cancel = systemClock.after(lookEveryMs, () => void look());
  return () => {
    isWatching = false;
    cancel();
  };
};

import { chmod, lstat, readdir, unlink } from 'node:fs/promises';
import type { Unpacking } from './archives.ts';

// Entries that are looked at at a time.
const atOnceMax = 64;
const lendingBits = 0o6000;

interface Look {
  /** How many names of the tree each file of several names has, and how many it has in all. */
  readonly named: Map<string, { seen: number; links: number }>;
  readonly unpacking: Pick<Unpacking, 'warn' | 'signal'>;
}

/**
 * Looks through what was unpacked into a directory of the worker's own: no file may be known under a name outside of
 * it. Devices are removed, and programs lose the bits that lend their owner's rights. Not by trust in the program that unpacked.
 */
export const checkUnpacked = async (directory: string, unpacking: Look['unpacking']): Promise<void> => {
  const look: Look = { named: new Map(), unpacking };
  await checkDirectory(Buffer.from(directory), look);
  for (const { seen, links } of look.named.values()) {
    if (seen !== links) throw new Error('it links to a file outside of the directory');
  }
};

const checkDirectory = async (directory: Buffer, look: Look): Promise<void> => {
  const { mode } = await lstat(directory);
  const isOpen = (mode & 0o700) === 0o700;
  if (!isOpen) await chmod(directory, 0o700);
  const entries = await readdir(directory, { withFileTypes: true, encoding: 'buffer' });
  const at = (name: Buffer): Buffer => Buffer.concat([directory, Buffer.from('/'), name]);
  for (let first = 0; first < entries.length; first += atOnceMax) {
    look.unpacking.signal.throwIfAborted();
    const some = entries.slice(first, first + atOnceMax).filter((entry) => !entry.isDirectory());
    await Promise.all(some.map(({ name }) => checkEntry(at(name), look)));
  }
  for (const entry of entries) if (entry.isDirectory()) await checkDirectory(at(entry.name), look);
  if (!isOpen || mode & lendingBits) await chmod(directory, mode & 0o777);
};

const checkEntry = async (path: Buffer, { named, unpacking }: Look): Promise<void> => {
  const found = await lstat(path);
  if (found.isBlockDevice() || found.isCharacterDevice()) {
    unpacking.warn(`A device of the archive was left out: ${path.toString()}`);
    await unlink(path);
    return;
  }
  if (found.isFile() && found.mode & lendingBits) await chmod(path, found.mode & 0o777);
  if (found.nlink === 1) return;
  const inode = `${found.dev}:${found.ino}`;
  const known = named.get(inode);
  named.set(inode, { seen: (known?.seen ?? 0) + 1, links: found.nlink });
};

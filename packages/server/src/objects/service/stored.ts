import type { Context } from '../context.ts';
import { keyOf } from './backends.ts';

/** Bytes on a disk of this machine. */
export interface StoredBytesOnDisk {
  /** The key of an artifact's bytes, or the name of an object. */
  readonly name: string;
  readonly isObject: boolean;
  readonly bytes: number;
  readonly storedAt: Date;
}

const objectPrefix = keyOf('');

/** All bytes in the backends on disk; buckets are not looked at. */
export async function* listStored({ disks }: Context): AsyncGenerator<StoredBytesOnDisk> {
  for (const disk of disks.values())
    for await (const { key, bytes, storedAt } of disk.files.list()) {
      const isObject = key.startsWith(objectPrefix);
      yield { name: isObject ? key.slice(objectPrefix.length) : key, isObject, bytes, storedAt };
    }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskGuard, freeBytesAt } from './disk-guard.ts';
import { silentLog } from './worker-log.ts';

/** A disk of things that take ten bytes each, named by when they were used. */
const aDisk = ({ free, things, images = 0 }: { free: number; things: number[]; images?: number }) => {
  const disk = { free, things: [...things], images, errors: 0 };
  const guard = diskGuard({
    log: { ...silentLog, error: () => void disk.errors++ },
    freeBytesMin: 100,
    freeBytes: async () => disk.free,
    evictable: async () =>
      disk.things.map((usedAt) => ({
        usedAt: new Date(usedAt),
        remove: async () => {
          disk.things = disk.things.filter((one) => one !== usedAt);
          disk.free += 10;
        },
      })),
    evictImages: async (bytes) => {
      const freed = Math.min(bytes, disk.images);
      disk.images -= freed;
      disk.free += freed;
    },
  });
  return { disk, guard };
};

test('nothing is removed while enough is free', async () => {
  const { disk, guard } = aDisk({ free: 100, things: [1, 2], images: 50 });
  assert.equal(await guard.makeRoom(), true);
  assert.deepEqual([disk.things, disk.images], [[1, 2], 50]);
});

test('the least recently used goes first, and no more than needed', async () => {
  const { disk, guard } = aDisk({ free: 85, things: [3, 1, 4, 2], images: 50 });
  assert.equal(await guard.makeRoom(), true);
  assert.deepEqual([disk.things, disk.images], [[3, 4], 50]);
});

test('images go when nothing else is left', async () => {
  const { disk, guard } = aDisk({ free: 80, things: [1], images: 50 });
  assert.equal(await guard.makeRoom(), true);
  assert.deepEqual([disk.things, disk.images], [[], 40]);
});

test('a full disk is reported once, until there was room again', async () => {
  const { disk, guard } = aDisk({ free: 10, things: [1] });
  assert.equal(await guard.makeRoom(), false);
  assert.equal(await guard.makeRoom(), false);
  assert.equal(disk.errors, 1);
  disk.free = 200;
  assert.equal(await guard.makeRoom(), true);
  disk.free = 10;
  assert.equal(await guard.makeRoom(), false);
  assert.equal(disk.errors, 2);
});

test('the free space of a real disk is read', async () => {
  assert.ok((await freeBytesAt('/')) >= 0);
  await assert.rejects(freeBytesAt('/no/such/place'));
});

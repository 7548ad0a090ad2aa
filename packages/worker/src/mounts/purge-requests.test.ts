import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { silentLog } from '../worker-log.ts';
import type { Caches } from './caches.ts';
import { followPurgeRequests, type PurgeRequest } from './purge-requests.ts';

const aFollower = () => {
  const asked: (string | undefined)[] = [];
  const purged: string[] = [];
  const warnings: string[] = [];
  let now = 1_000_000;
  let answer: () => Promise<PurgeRequest[]> = async () => [];
  const requests = followPurgeRequests({
    clock: { ...systemClock, now: () => new Date(now) },
    log: { ...silentLog, warn: (_fields, message) => void warnings.push(message) },
    caches: {
      purgeBefore: (name: string, moment: Date) => void purged.push(`${name} ${moment.getTime()}`),
    } as Partial<Caches> as Caches,
    ask: (since) => {
      asked.push(since && String(since.getTime()));
      return answer();
    },
  });
  const answers = (next: typeof answer, at: number): void => {
    answer = next;
    now = at;
  };
  return { requests, asked, purged, warnings, answers };
};

test('all requests are asked for first, and then those since the last answer, with some overlap', async () => {
  const { requests, asked, purged, answers } = aFollower();
  answers(async () => [{ cacheName: 'c', before: new Date(5).toJSON() }], 1_000_000);
  await requests.heed();
  answers(async () => [], 2_000_000);
  await requests.heed();
  await requests.heed();
  assert.deepEqual(asked, [undefined, '700000', '1700000']);
  assert.deepEqual(purged, ['c 5']);
});

test('a failure loses nothing, and is told once', async () => {
  const { requests, asked, warnings, answers } = aFollower();
  await requests.heed();
  answers(() => Promise.reject(new Error('forbidden')), 2_000_000);
  await requests.heed();
  await requests.heed();
  answers(async () => [], 3_000_000);
  await requests.heed();
  answers(() => Promise.reject(new Error('forbidden')), 4_000_000);
  await requests.heed();
  assert.deepEqual(asked, [undefined, '700000', '700000', '700000', '2700000']);
  assert.equal(warnings.length, 2);
});

test('tasks that start together ask once', async () => {
  const { requests, asked } = aFollower();
  await Promise.all([requests.heed(), requests.heed(), requests.heed()]);
  assert.equal(asked.length, 1);
});

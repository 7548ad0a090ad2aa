import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../clock.ts';
import { startMemoryGuard } from './memory-guard.ts';

const gigabyte = 1024 ** 3;

/** A clock that moves a second each time the guard goes to sleep, and a memory with the size of each second. */
const aMachine = (
  availableAfter: (second: number) => number,
  lastSecond: number,
  totalBytes = 16 * gigabyte,
) => {
  let second = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const clock: Clock = {
    now: () => new Date(second * 1000),
    after: () => () => undefined,
    sleep: async (_ms, signal) => {
      second++;
      if (second > lastSecond) finish();
      if (second > lastSecond || signal?.aborted) await new Promise(() => undefined);
    },
  };
  const look = async () => ({ totalBytes, availableBytes: availableAfter(second) });
  const ended: string[] = [];
  const guard = startMemoryGuard(clock, look);
  const stops = new Map<string, () => void>();
  const watch = (name: string, memoryBytes: number): void => {
    const end = (): void => {
      ended.push(`${name} at ${second}`);
      stops.get(name)?.();
    };
    stops.set(name, guard.watch({ memoryBytes: () => memoryBytes, end }));
  };
  return { watch, ended, finished };
};

test('the largest task is ended when memory stays scarce, and then the next', async () => {
  const { watch, ended, finished } = aMachine(() => gigabyte / 10, 13);
  watch('small', 1);
  watch('large', 3);
  watch('middle', 2);
  await finished;
  assert.deepEqual(ended, ['large at 6', 'middle at 12']);
});

test('a shortage that passes ends no task', async () => {
  const { watch, ended, finished } = aMachine((second) => (second % 5 === 4 ? 2 : 0.1) * gigabyte, 40);
  watch('one', 1);
  await finished;
  assert.deepEqual(ended, []);
});

test('little memory on a small machine is no shortage while most of it is free', async () => {
  const { watch, ended, finished } = aMachine(() => 0.4 * gigabyte, 20, gigabyte);
  watch('one', 1);
  await finished;
  assert.deepEqual(ended, []);
});

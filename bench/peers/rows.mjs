// What is measured of each system, in this order: what one row adds, a later one works off.
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `name` and `title` of a row, the request that adapters are sent, and `before`: requests whose cost does not count. Rows `of`
 * Taskyard have no counterpart. `seconds` is how long the system is only watched.
 */
export const rows = [
  { name: 'rest', title: 'at rest, no worker waits: cores', seconds: 20 },
  {
    name: 'memory',
    title: 'memory with one idle worker, MB (PSS)',
    before: [{ what: 'wait' }],
    watches: 'memory',
  },
  {
    name: 'start',
    title: 'add → start, one idle worker: p50 / p99 ms',
    before: [{ what: 'starts', count: 20 }],
    ask: { what: 'starts', count: 200 },
    after: [{ what: 'rest' }],
  },
  {
    name: 'add-16',
    title: 'add singly, 16 callers',
    before: [{ what: 'add', callers: 16, count: 600 }],
    ask: { what: 'add', callers: 16, count: 3000 },
  },
  {
    name: 'work-1',
    title: 'take 1 + complete, 16 at once',
    ask: { what: 'work', mode: 'single', count: 3000 },
  },
  { name: 'add-64', title: 'add singly, 64 callers', ask: { what: 'add', callers: 64, count: 3000 } },
  { name: 'add-all', title: 'add 10,000 in one call', ask: { what: 'addAll', count: 10_000 } },
  {
    name: 'work-set',
    title: 'take sets (Taskyard: 32) + complete, Taskyard one by one',
    ask: { what: 'work', mode: 'batch', count: 6000 },
  },
  {
    name: 'work-report',
    title: 'take 32 + complete in one call',
    of: 'taskyard',
    // What a build without that call, and peers, do best in sets.
    comparedWith: 'work-set',
    ask: { what: 'work', mode: 'report', count: 6000 },
  },
  {
    name: 'life',
    title: 'create, claim, reclaim, artifact, complete, 16 at once',
    of: 'taskyard',
    before: [{ what: 'live', count: 200 }],
    ask: { what: 'live', count: 2000 },
  },
  { name: 'fan-out', title: '1 → 2,000 → 1, worked off', ask: { what: 'fanOut', count: 2000 } },
  {
    name: 'crowd',
    title: 'at rest, 2,000 wait on 200 queues: cores',
    of: 'taskyard',
    before: [{ what: 'crowd', count: 2000 }],
    seconds: 20,
    after: [{ what: 'rest' }],
  },
];

/** Waits this long, in place of a request; the system is idle meanwhile. */
export const watchFor = async (seconds) => {
  await sleep(seconds * 1000);
  return { count: 1, seconds };
};

import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../meters.mjs';

const total = (memory) => Object.values(memory).reduce((sum, each) => sum + each, 0);

const memoryRow = (row) => ({
  unit: 'MB',
  isTime: true,
  ...row,
  run: async ({ pids }) => {
    await sleep(3000);
    const memory = memoryOf(pids);
    const note = Object.entries(memory)
      .map(([name, size]) => `${name} ${size.toFixed(0)}`)
      .join(', ');
    return { value: total(memory), note };
  },
});

export const firstRows = [
  memoryRow({ name: 'memory', title: 'whole platform at rest', original: '1,146', goal: '≤ 250' }),
];

export const lastRows = [
  memoryRow({ name: 'memory-after', title: 'whole platform after all of this', original: '–', goal: '–' }),
];

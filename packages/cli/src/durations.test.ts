import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { keepDurations, readDurations } from './durations.ts';
import { GroupState } from './follow/group-state.ts';
import { aStatus } from './testing/a-status.ts';

const folder = mkdtempSync(join(tmpdir(), 'taskyard-durations-'));
after(() => rmSync(folder, { recursive: true }));

it('inherited-names: a label that every object inherits has no duration before it has run', async () => {
  const group = new GroupState();
  group.plan({ taskId: 'a', label: 'build' });
  group.apply(aStatus('a', 'completed'));
  await keepDurations(folder, 'graph', group);
  const durations = await readDurations(folder, 'graph');
  assert.equal(typeof durations.get('build'), 'number');
  for (const label of ['constructor', 'toString']) assert.equal(durations.get(label), undefined);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { main } from '../main.ts';
import { startFakeQueue } from '../testing/fake-queue.ts';
import { memoryIo } from '../testing/memory-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'taskyard-submit-'));
after(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'graph.yml');
const task = (argument: string, taskQueueId?: string) => ({
  payload: { command: [['cat', argument]], maxRunTime: 60 },
  ...(taskQueueId === undefined ? {} : { taskQueueId }),
});
const tasks = {
  here: task(`\${dir}/a`),
  elsewhere: task(`\${dir}/a`, 'team/mac'),
  free: task('a', 'team/mac'),
};
writeFileSync(file, JSON.stringify({ version: 1, name: 'example', tasks }));

describe('creating a graph', () => {
  it('warns of tasks that read a folder which other machines do not have', async () => {
    const { rootUrl, close } = await startFakeQueue();
    const world = memoryIo({ server: { rootUrl } });
    await main(['node', 'taskyard', 'group', 'create', file], world.io);
    await close();
    const warning = world
      .err()
      .split('\n')
      .find((line) => line.startsWith('Warning: '));
    assert.ok(
      warning?.startsWith(`Warning: "elsewhere": the payload names ${folder}, a folder of this machine.`),
      world.err(),
    );
  });
});

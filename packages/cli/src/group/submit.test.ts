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
const create = async (
  wanted: object,
): Promise<{ err: string; exitCode: number | undefined; calls: string[] }> => {
  const params = { node: { default: '22' } };
  writeFileSync(file, JSON.stringify({ version: 1, name: 'example', params, tasks: wanted }));
  const { rootUrl, calls, close } = await startFakeQueue();
  const world = memoryIo({ server: { rootUrl } });
  await main(['node', 'taskyard', 'group', 'create', file], world.io);
  await close();
  return { err: world.err(), exitCode: world.exitCode(), calls };
};

describe('creating a graph', () => {
  it('refuses tasks that read a folder of this machine when they may run on others, before anything is created', async () => {
    const { err, exitCode, calls } = await create(tasks);
    assert.equal(exitCode, 2);
    assert.ok(err.includes(`"elsewhere": \${dir} is a folder of this machine`), err);
    assert.match(err, /Write "source: \."/);
    assert.deepEqual(calls, []);
  });

  it('refuses tasks that name the Node of this machine where others may have none', async () => {
    const { err, exitCode, calls } = await create({
      elsewhere: task(`\${node}`, 'team/mac'),
      mine: task(`\${params.node}`, 'team/mac'),
    });
    assert.equal(exitCode, 2);
    assert.ok(err.includes(`"elsewhere": \${node} is a program of this machine`), err);
    assert.match(err, /Write "node"/);
    assert.deepEqual(calls, []);
  });

  it('accepts a literal path, since its author knows where it is', async () => {
    const { err, exitCode } = await create({ written: task(`${folder}/a`, 'team/mac') });
    assert.equal(exitCode, undefined, err);
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { within } from '@taskyard/patience';
import { usageOfTree } from './process-usage.ts';

/** A shell whose child is Node, which runs a program and then says so. */
const aTree = async (t: TestContext, program: string): Promise<number> => {
  const script = `${process.execPath} -e '${program}; console.log("ready"); setInterval(() => 0, 1000)'; true`;
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  t.after(() => process.kill(-(child.pid ?? 0), 'SIGKILL'));
  await within('the child to be ready', once(child.stdout, 'data'));
  return child.pid ?? 0;
};

test('the memory of descendants is counted', async (t) => {
  const pid = await aTree(t, 'const held = Buffer.alloc(2e8, 1)');
  const { memoryBytes = 0 } = usageOfTree(pid) ?? {};
  assert.ok(memoryBytes > 2e8 && memoryBytes < 1e9, String(memoryBytes));
});

test('the processor time of descendants is counted', async (t) => {
  const work = 'while (process.cpuUsage().user < 3e5);';
  const pid = await aTree(t, work);
  const { cpuSeconds = 0 } = usageOfTree(pid) ?? {};
  assert.ok(cpuSeconds >= 0.3 && cpuSeconds < 30, String(cpuSeconds));
});

test('a process that has ended uses nothing that could be told', async () => {
  const child = spawn('true');
  await within('the process to end', once(child, 'exit'));
  assert.equal(usageOfTree(child.pid ?? 0), undefined);
});

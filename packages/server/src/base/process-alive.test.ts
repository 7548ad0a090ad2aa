import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { isProcessAlive } from './process-alive.ts';

it('a process is alive until it has ended, also one of another user', async () => {
  assert.equal(isProcessAlive(process.pid), true);
  // Of root: who is not root may not send it signals.
  assert.equal(isProcessAlive(1), true);
  const child = spawn(process.execPath, ['-e', '0']);
  const pid = child.pid ?? 0;
  await once(child, 'exit');
  assert.equal(isProcessAlive(pid), false);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { root } from './support/platform.ts';

it('a fleet in which one thing after the other fails loses nothing, and does nothing twice', async (t) => {
  // About half of the kinds, others each time: the seed is in what it says.
  const words = ['scripts/chaos.mjs', '--no-build', '--faults=12'];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  t.diagnostic(said);
  assert.equal(code, 0, said);
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';

/** Prints the megabytes of the space for young objects during and after a start, after the same work. */
const program = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { startInLittleMemory } from '${new URL('little-memory.js', import.meta.url)}';
  const youngMegabytes = () => {
    // Of the objects many live for a while: the space for young ones grows if it may.
    const kept = [];
    for (let i = 0; i < 3_000_000; i++) {
      kept.push({ i });
      if (kept.length > 200_000) kept.length = 0;
    }
    return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size / 2 ** 20;
  };
  const during = await startInLittleMemory(async () => youngMegabytes());
  const failed = await startInLittleMemory(() => Promise.reject(new Error('no'))).catch(({ message }) => message);
  console.log(JSON.stringify({ during, failed, after: youngMegabytes() }));`;

// In a process of its own, since the space of this one has grown while the test runner was loaded.
it('the space for young objects does not grow during a start, and does afterwards', async () => {
  const words = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const { during, failed, after } = JSON.parse(stdout) as Record<string, number | string>;
  assert.equal(failed, 'no');
  assert.ok(Number(during) <= 4, `${during} MB during the start`);
  assert.ok(Number(after) >= 16, `${after} MB afterwards`);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { temporaryDirectory } from './testing/places.ts';
import { takeWorkDirectory } from './work-directory.ts';

/** What the kernel says of a process, from its state on. */
const fieldsOf = async (pid: string): Promise<string[]> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};

test('a folder keeps its id, and another one has another', async (t) => {
  const [one, two] = [await temporaryDirectory(t), await temporaryDirectory(t)];
  const idOf = async (path: string): Promise<string> => {
    const directory = await takeWorkDirectory(path);
    await directory.release();
    return directory.id;
  };
  const ids = [await idOf(one), await idOf(one), await idOf(two)];
  assert.match(ids[0] ?? '', /^[0-9a-f]{24}$/);
  assert.deepEqual(
    ids.map((id) => id === ids[0]),
    [true, true, false],
  );
});

test('a folder is free once its worker has ended, though nobody has taken note of that', {
  skip: process.platform !== 'linux' && 'only Linux tells when a process started',
}, async (t) => {
  // A shell that becomes another program forgets its child, as a container's first process may.
  const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [pid] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const root = await temporaryDirectory(t);
  await writeFile(join(root, 'worker.lock'), `${pid} ${(await fieldsOf(pid))[19]}`);
  await assert.rejects(takeWorkDirectory(root), /Another worker is using/);

  process.kill(Number(pid), 'SIGKILL');
  await eventually('the process to end', async () => (await fieldsOf(pid))[0] === 'Z');
  const directory = await takeWorkDirectory(root);
  await directory.release();
});

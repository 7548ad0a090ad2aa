import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Queue } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { runProgram } from './support/command.ts';
import {
  aMachine,
  aViewer,
  createTask,
  environmentOf,
  go,
  liveUrl,
  resolved,
  startWorker,
} from './support/live-logs.ts';
import { aHome, taskyard } from './support/platform.ts';

describe('a live log of a restarted server', () => {
  it('is taken up where it was, by worker and viewer', async (t) => {
    const home = await aHome(t);
    const first = await home.start({}, undefined, '--no-worker');
    const { rootUrl, credentials } = first;
    const machine = await aMachine(t);
    startWorker(t, first, machine);
    const queue = new Queue({ rootUrl, credentials });
    const taskId = await createTask(queue, machine, { steps: ['echo one', 'echo two', 'echo three'] });
    const url = await liveUrl(queue, taskId);
    let printed = '';
    const following = runProgram(process.execPath, [taskyard, 'task', 'log', '--follow', taskId], {
      env: environmentOf(first),
      onStart: ({ stdout }) =>
        stdout?.on('data', (chunk) => {
          printed += String(chunk);
        }),
    });
    await go(machine, 0);
    await eventually('the first line', () => printed.endsWith('one\n'));

    await first.kill();
    await go(machine, 1);
    await home.start({ PORT: new URL(rootUrl).port }, undefined, '--no-worker');
    await eventually('the second line', () => printed.endsWith('one\ntwo\n'));
    // The address is the same as before: those who know it need not ask once more.
    const viewer = await aViewer(url);
    await viewer.sees('one\ntwo\n');
    await go(machine, 2);
    assert.equal(await resolved(queue, taskId), 'completed');
    const { out, code, err } = await within('the follower to end', following);
    assert.equal(code, 0, err);
    assert.equal(out, await viewer.all);
    assert.match(out, /one\ntwo\nthree\n\[taskcluster /);
  });
});

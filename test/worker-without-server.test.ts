import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Queue, readArtifactText } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { aMachine, createTask, go, resolved, startWorker } from './support/live-logs.ts';
import { aHome } from './support/platform.ts';
import { isAlive } from './support/processes.ts';

const numberIn = async (path: string): Promise<number> =>
  Number(
    await eventually(
      `${path} to be written`,
      () => readFile(path, 'utf8').catch(() => ''),
      (text) => text.endsWith('\n'),
    ),
  );

describe('a worker whose server is gone in the middle of a task', () => {
  it('delivers once it is back, or leaves the task to the next claim when that has expired', async (t) => {
    const home = await aHome(t);
    const first = await home.start({ TASK_CLAIM_TIMEOUT: '120' }, undefined, '--no-worker');
    const { rootUrl, credentials } = first;
    const machine = await aMachine(t);
    startWorker(t, first, machine);
    const queue = new Queue({ rootUrl, credentials });
    const PORT = new URL(rootUrl).port;

    const artifacts = [{ type: 'file', path: 'out', name: 'public/out' }];
    const steps = [`echo made > out; echo spoken; touch ${machine}/over`];
    const kept = await createTask(queue, machine, { steps, payload: { artifacts } });
    await eventually('the task to run', async () => (await queue.status(kept)).status.state === 'running');
    await first.kill();
    await go(machine, 0);
    await eventually('the commands to end', () => existsSync(join(machine, 'over')));
    // Claims are short from now on.
    const second = await home.start({ PORT, TASK_CLAIM_TIMEOUT: '5' }, undefined, '--no-worker');
    assert.equal(await resolved(queue, kept), 'completed');
    const { runs } = (await queue.status(kept)).status;
    assert.deepEqual(
      runs.map(({ state }) => state),
      ['completed'],
    );
    const content = (name: string) => readArtifactText(queue, { taskId: kept, runId: 0, name });
    assert.equal(await content('public/out'), 'made\n');
    assert.match(await content('public/logs/live_backing.log'), /^spoken$/m);

    const lost = await createTask(queue, machine, {
      steps: [`echo $$ > ${machine}/run-$RUN_ID`, 'true'],
    });
    const pid = await numberIn(join(machine, 'run-0'));
    await second.kill();
    // It must not go on: the task may run elsewhere by now.
    await eventually('the commands of the lost run to be ended', () => !isAlive(pid));
    await home.start({ PORT, TASK_CLAIM_TIMEOUT: '5' }, undefined, '--no-worker');
    await numberIn(join(machine, 'run-1'));
    await go(machine, 1);
    assert.equal(await resolved(queue, lost), 'completed');
    const ends = (await queue.status(lost)).status.runs.map((run) => run.reasonResolved);
    assert.deepEqual(ends, ['claim-expired', 'completed']);
  });
});

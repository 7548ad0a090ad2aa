import assert from 'node:assert/strict';
import { it } from 'node:test';
import { slugid } from '@taskyard/client';
import { aSite, type Site } from './site.ts';
import { aTask, hourFromNow } from './world.ts';

const rounds = 25;
const name = 'result.txt';
const headers = { 'content-type': 'text/plain' };

/** A run that goes on, and a URL to upload one of its artifacts to. */
const aRun = async (site: Site) => {
  const taskId = slugid();
  const run = `/api/queue/v1/task/${taskId}/runs/0`;
  await site.prepare('PUT', `/api/queue/v1/task/${taskId}`, aTask());
  await site.prepare('POST', `${run}/claim`, { workerGroup: 'secure', workerId: 'one' });
  const { body } = await site.prepare('POST', `${run}/artifacts/${name}`, {
    storageType: 's3',
    contentType: 'text/plain',
    expires: hourFromNow(0.5),
  });
  const upload = async (text: string): Promise<number> => {
    const { status } = await fetch(String(body.putUrl), { method: 'PUT', body: text, headers });
    return status;
  };
  const read = async (): Promise<string> => {
    const found = await site.prepare('GET', `/api/queue/v1/task/${taskId}/runs/0/artifact-content/${name}`);
    return (await fetch(String(found.body.url))).text();
  };
  const complete = () => site.prepare('POST', `${run}/completed`);
  return { upload, read, complete };
};

it('artifacts of an ended run never change, even if uploads were in progress', async (t) => {
  const site = await aSite(t);
  const outcomes = new Set<number>();
  for (let round = 0; round < rounds; round++) {
    const { upload, read, complete } = await aRun(site);
    assert.equal(await upload('first'), 200);
    // The uploads begin a little later from round to round: before, while and after the run ends.
    const ended = complete().then(read);
    for (let i = 0; i < round; i++) await site.ask({ path: '/api/queue/v1/ping' });
    const [seen, ...statuses] = await Promise.all([ended, upload('second'), upload('third')]);
    assert.equal(await read(), seen);
    assert.deepEqual([await upload('fourth'), await read()], [409, seen]);
    for (const status of statuses) outcomes.add(status);
  }
  assert.ok(
    [...outcomes].every((status) => status === 200 || status === 409),
    [...outcomes].join(),
  );
  assert.ok(outcomes.has(409));
});

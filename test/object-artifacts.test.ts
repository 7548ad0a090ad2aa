import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { slugid } from '@taskyard/client';
import { type Answer, aSite, type Site } from './security/site.ts';
import { aTask, hourFromNow } from './security/world.ts';
import { endings } from './support/endings.ts';

const { ending: all, runAll } = endings();
let site: Site;
before(async () => {
  site = await aSite(all);
});
after(runAll);

const name = 'public/object.txt';
const expires = () => hourFromNow(1);

/** A running task of a worker's. */
const aRun = async (): Promise<string> => {
  const taskId = slugid();
  await site.prepare('PUT', `/api/queue/v1/task/${taskId}`, aTask({ expires: hourFromNow(2) }));
  const worker = { workerGroup: 'group', workerId: 'worker' };
  await site.prepare('POST', `/api/queue/v1/task/${taskId}/runs/0/claim`, worker);
  return taskId;
};

/** What each reader of an artifact is answered, in the order of the paths. */
const readers = async (taskId: string): Promise<number[]> => {
  const paths = [
    `runs/0/artifacts/${name}`,
    `artifacts/${name}`,
    `runs/0/artifact-content/${name}`,
    `artifact-content/${name}`,
  ];
  const answers: number[] = [];
  for (const path of paths)
    answers.push((await site.ask({ path: `/api/queue/v1/task/${taskId}/${path}`, as: site.root })).status);
  return answers;
};

const listed = async (taskId: string): Promise<unknown[]> => {
  const run = `/api/queue/v1/task/${taskId}/runs/0`;
  const { body } = await site.ask({ path: `${run}/artifacts`, as: site.root });
  const info = await site.ask({ path: `${run}/artifact-info/${name}`, as: site.root });
  return [...(body.artifacts as { name: string }[]).map((artifact) => artifact.name), info.status];
};

describe('an object artifact', () => {
  it('is there for every reader from finishArtifact on, and for none before', async () => {
    const taskId = await aRun();
    const artifact = `/api/queue/v1/task/${taskId}/runs/0/artifacts/${name}`;
    const created = await site.prepare('POST', artifact, {
      storageType: 'object',
      contentType: 'text/plain',
      expires: expires(),
    });
    const { uploadId, projectId, name: objectName } = created.body as Record<string, string>;
    const finish = (): Promise<Answer> =>
      site.ask({ method: 'PUT', path: artifact, as: site.root, body: { uploadId } });
    assert.deepEqual(await readers(taskId), [404, 404, 404, 404]);
    assert.equal((await finish()).status, 400);

    const upload = `/api/object/v1`;
    const objectPath = encodeURIComponent(objectName ?? '');
    await site.prepare('PUT', `${upload}/upload/${objectPath}`, {
      projectId,
      uploadId,
      expires: expires(),
      proposedUploadMethods: {
        dataInline: { contentType: 'text/plain', objectData: Buffer.from('bytes').toString('base64') },
      },
    });
    await site.prepare('POST', `${upload}/finish-upload/${objectPath}`, { projectId, uploadId });
    // The bytes are there, and still only their uploader says that they are the artifact.
    assert.deepEqual(await readers(taskId), [404, 404, 404, 404]);
    assert.deepEqual(await listed(taskId), [name, 200]);

    assert.equal((await finish()).status, 204);
    assert.deepEqual(await readers(taskId), [303, 303, 200, 200]);
    assert.deepEqual(await listed(taskId), [name, 200]);
    assert.equal((await finish()).status, 204);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { downloadArtifact, fromNow, ObjectService, Queue, slugid, uploadArtifact } from '@taskyard/client';
import { aFaultyBucket, cuts, type Fault, type FaultyBucket, isSilent, says } from './support/bucket.ts';
import { endings } from './support/endings.ts';
import { aTask } from './support/line.ts';
import { skipWithoutMoto } from './support/moto.ts';
import { aHome, type Platform } from './support/platform.ts';

describe('artifacts in a bucket', { skip: skipWithoutMoto }, () => {
  const { ending: all, runAll } = endings();
  let folder: string;
  let bucket: FaultyBucket;
  let platform: Platform;
  let queue: Queue;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'taskyard-bucket-'));
    bucket = await aFaultyBucket(all);
    const home = await aHome(all);
    platform = await home.start({ ...bucket.env, WORKER: 'false', LOG_LEVEL: 'silent' });
    queue = new Queue({ rootUrl: platform.rootUrl, credentials: platform.credentials });
  });
  after(async () => {
    await runAll();
    await rm(folder, { recursive: true, force: true });
  });

  /** An artifact of a task that a worker holds. */
  const anArtifact = async (more: Partial<Parameters<typeof uploadArtifact>[1]> = {}) => {
    const taskId = slugid();
    await queue.createTask(taskId, aTask('bucket/worker') as Parameters<Queue['createTask']>[1]);
    const { credentials } = await queue.claimTask(taskId, 0, { workerGroup: 'a', workerId: 'b' });
    const worker = new Queue({ rootUrl: platform.rootUrl, credentials });
    const about = {
      taskId,
      runId: 0,
      name: 'public/a',
      contentType: 'text/plain',
      expires: fromNow('1 hour'),
    };
    const bytes = randomBytes(10_000);
    const upload = { ...about, content: { bytes }, ...more };
    return { taskId, bytes, send: () => uploadArtifact(worker, upload) };
  };

  /** The bytes of an artifact, as a reader gets them. */
  const bytesOf = async (taskId: string): Promise<Buffer> => {
    const path = join(folder, slugid());
    await downloadArtifact(queue, { taskId, runId: 0, name: 'public/a', path });
    return readFile(path);
  };

  for (const storageType of ['s3', 'object'] as const) {
    it(`of type ${storageType} arrive whole, whatever the store does to their uploads`, async () => {
      const days: [number | undefined, Fault[]][] = [
        [undefined, [says(500, 'InternalError'), cuts, says(503, 'SlowDown')]],
        [3000, [isSilent, says(400, 'RequestTimeout')]],
      ];
      for (const [silenceMaxMs, faults] of days) {
        bucket.add('PUT', ...faults);
        const { taskId, bytes, send } = await anArtifact({ storageType, silenceMaxMs });
        await send();
        assert.deepEqual(await bytesOf(taskId), bytes);
      }
    });
  }

  it('that are large go up in parts, of which each is repeated by itself', async () => {
    const path = join(folder, 'large');
    // Two parts, of which the second is small.
    const bytes = randomBytes(33 * 2 ** 20);
    await writeFile(path, bytes);
    const { taskId, send } = await anArtifact({ content: { path }, inPartsFrom: 2 ** 20 });
    const begun = bucket.seen.length;
    bucket.add('PUT', cuts, says(503, 'SlowDown'));
    bucket.add('POST', says(503, 'SlowDown'), says(500, 'InternalError'));
    await send();
    const seen = bucket.seen
      .slice(begun)
      .map((each) => each.replace(/\?.*?(partNumber=\d+|uploadId|uploads).*/, ' $1'));
    const puts = seen.filter((each) => each.startsWith('PUT'));
    assert.equal(puts.length, 4, seen.join('\n'));
    assert.ok(
      puts.every((each) => each.includes('partNumber=')),
      seen.join('\n'),
    );
    assert.ok((await bytesOf(taskId)).equals(bytes));
  });

  it('that are large leave no parts when their end comes after that of their run', async () => {
    const { taskId } = await anArtifact();
    const part = randomBytes(10_000);
    const about = {
      contentType: 'text/plain',
      expires: fromNow('1 hour').toJSON(),
      contentLength: part.length,
    };
    const { uploadId, partUrls } = await queue.createArtifactInParts(taskId, 0, 'public/a', about);
    const send = () => fetch(partUrls[0] ?? '', { method: 'PUT', body: part });
    const sent = await send();
    assert.equal(sent.status, 200);
    await queue.reportCompleted(taskId, 0);
    const finished = { uploadId, contentLength: part.length, etags: [sent.headers.get('etag') ?? ''] };
    await assert.rejects(queue.finishArtifactInParts(taskId, 0, 'public/a', finished), { statusCode: 409 });
    // No part is taken any more. S3 replies with 404, moto with 500.
    assert.ok([404, 500].includes((await send()).status));
  });

  it('are refused as unavailable while the store is away, so that callers try again', async () => {
    const { rootUrl, credentials } = platform;
    const objects = new ObjectService({ rootUrl, credentials, retries: 0 });
    bucket.add('PUT', ...Array(3).fill(says(503, 'SlowDown')));
    const name = slugid();
    const asked = {
      projectId: 'none',
      uploadId: slugid(),
      expires: fromNow('1 hour').toJSON(),
      proposedUploadMethods: { dataInline: { contentType: 'text/plain', objectData: 'aGVsbG8=' } },
    };
    await assert.rejects(objects.createUpload(name, asked), { code: 'ServiceUnavailable' });
    assert.deepEqual((await objects.createUpload(name, asked)).uploadMethod, { dataInline: true });
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { days, hours, later, manualClock, minutes, RequestError, silentLog, slugid } from '../base/index.ts';
import { Reply } from '../http/index.ts';
import { createObjects, type Objects } from '../objects/index.ts';
import type { CredentialsRequest, RunStatus, StatusWithLabels } from '../queue/index.ts';
import { type Opened, opened, type TestDatabase, testDatabase } from '../testing/index.ts';
import { type Artifacts, createArtifacts, type PostArtifactRequest } from './index.ts';
import type { CreateArtifactsRequest } from './schema.ts';

describe('artifacts', () => {
  const clock = manualClock();
  const app = fastify();
  const statuses = new Map<string, StatusWithLabels>();
  const issued: CredentialsRequest[] = [];
  /** What happens after it was looked at which tasks are settled. */
  let afterLook = (): void => {};
  let test: TestDatabase;
  let folder: string;
  let objects: Opened<Objects>;
  let artifacts: Opened<Artifacts>;

  before(async () => {
    test = await testDatabase();
    folder = await mkdtemp(join(tmpdir(), 'taskyard-artifacts-'));
    const { db } = test;
    const deps = { db, clock, log: silentLog };
    const rootUrl = () => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    const readStatuses = async (_sql: unknown, taskIds: readonly string[]) =>
      taskIds.map((taskId) => statuses.get(taskId)).filter((status) => status !== undefined);
    objects = opened(
      createObjects({
        ...deps,
        rootUrl,
        backends: { disk: { type: 'disk', folder } },
        replacing: (key, replace) => artifacts.replaceBytes(key, replace),
        contents: { secret: 'secret of contents', read: (key) => artifacts.readContent(key) },
      }),
    );
    artifacts = opened(
      createArtifacts({
        ...deps,
        objects,
        readStatuses,
        shareStatuses: readStatuses,
        settledAmong: async (_sql, taskIds) => {
          const settled = taskIds.filter((taskId) => statuses.get(taskId)?.state === 'completed');
          afterLook();
          return settled;
        },
        holdSettled: async (_tx, taskIds) =>
          taskIds.filter((taskId) => statuses.get(taskId)?.state === 'completed'),
        issueCredentials: (request) => {
          issued.push(request);
          return { clientId: request.clientId, accessToken: 'token', certificate: '{}' };
        },
      }),
    );
    objects.byteRoutes(app);
    await app.listen({ port: 0, host: '127.0.0.1' });
  });
  after(async () => {
    await app.close();
    await test.drop();
    await rm(folder, { recursive: true });
  });

  const aRun = (run: Partial<RunStatus> = {}): RunStatus => ({
    runId: 0,
    state: 'running',
    reasonCreated: 'scheduled',
    scheduled: clock.now().toJSON(),
    workerGroup: 'group',
    workerId: 'worker',
    ...run,
  });
  const aTask = (...runs: RunStatus[]): string => {
    const taskId = slugid();
    statuses.set(taskId, {
      taskId,
      provisionerId: 'prov',
      workerType: 'type',
      taskQueueId: 'prov/type',
      schedulerId: 'sched',
      projectId: 'proj',
      taskGroupId: taskId,
      deadline: later(clock.now(), days(1)).toJSON(),
      expires: later(clock.now(), days(2)).toJSON(),
      retriesLeft: 5,
      state: runs.at(-1)?.state ?? 'unscheduled',
      runs,
      tags: { kind: 'test' },
      routes: ['index.x'],
    });
    return taskId;
  };
  const inHours = (count: number) => later(clock.now(), hours(count)).toJSON();
  const reference = (url = 'https://example.com/x', more = {}): PostArtifactRequest => ({
    storageType: 'reference',
    expires: inHours(1),
    contentType: 'text/plain',
    url,
    ...more,
  });
  const link = (artifact: string): PostArtifactRequest => ({
    storageType: 'link',
    expires: inHours(1),
    artifact,
  });
  const error = (message = 'not there'): PostArtifactRequest => ({
    storageType: 'error',
    expires: inHours(1),
    reason: 'file-missing-on-worker',
    message,
  });
  const file = (more = {}): PostArtifactRequest => ({
    storageType: 's3',
    expires: inHours(1),
    contentType: 'text/plain',
    ...more,
  });
  const object = (more = {}): PostArtifactRequest => ({
    storageType: 'object',
    expires: inHours(1),
    contentType: 'text/plain',
    ...more,
  });
  const create = (taskId: string, name: string, request: PostArtifactRequest, runId = 0) =>
    artifacts.createArtifact({ taskId, runId, name, request });
  const everything = () => {};
  const get = (taskId: string, name: string, runId: number | 'latest' = 0) =>
    artifacts.getArtifact({ taskId, runId, name, authorize: everything });
  const urlOf = async (taskId: string, name: string, runId: number | 'latest' = 0) => {
    const reply = await get(taskId, name, runId);
    assert.equal(reply.status, 303);
    return reply.headers.location ?? '';
  };
  const messages = (taskId: string) =>
    test.db<{ exchange: string; routingKey: string; routes: string[]; payload: string }>`
      select exchange, routing_key, routes, payload from outbox
       where routing_key like ${`primary.${taskId}.%`} order by id`;

  describe('creation', () => {
    it('of a reference, a link or an error needs no upload, and is reported', async () => {
      const taskId = aTask(aRun());
      assert.deepEqual(await create(taskId, 'public/r', reference()), { storageType: 'reference' });
      assert.deepEqual(await create(taskId, 'public/l', link('public/r')), { storageType: 'link' });
      assert.deepEqual(await create(taskId, 'public/e', error()), { storageType: 'error' });
      const told = await messages(taskId);
      assert.deepEqual(
        told.map((message) => JSON.parse(message.payload).artifact.name),
        ['public/r', 'public/l', 'public/e'],
      );
      const [first] = told;
      assert.equal(first?.exchange, 'exchange/taskcluster-queue/v1/artifact-created');
      assert.equal(first.routingKey, `primary.${taskId}.0.group.worker.prov.type.sched.${taskId}._`);
      assert.deepEqual(first.routes, ['index.x']);
      const { status, ...body } = JSON.parse(first.payload);
      assert.deepEqual(body, {
        version: 1,
        runId: 0,
        workerGroup: 'group',
        workerId: 'worker',
        artifact: {
          storageType: 'reference',
          name: 'public/r',
          expires: inHours(1),
          contentType: 'text/plain',
        },
      });
      assert.equal(status.taskId, taskId);
      assert.equal('tags' in status || 'routes' in status, false);
    });
    it('may be repeated, one after the other and at once', async () => {
      const taskId = aTask(aRun());
      await create(taskId, 'r', reference());
      await create(taskId, 'r', reference());
      await Promise.all([1, 2, 3, 4].map((n) => create(taskId, 'r', reference(`https://example.com/${n}`))));
      assert.equal(await urlOf(taskId, 'r'), 'https://example.com/4');
    });
    it('at once, of different artifacts: the first one wins, and others are not affected', async () => {
      const taskId = aTask(aRun());
      const outcomes = await Promise.allSettled([
        create(taskId, 'a', error('one')),
        create(taskId, 'a', error('two')),
        create(slugid(), 'a', error()),
        create(taskId, 'b', reference()),
      ]);
      assert.deepEqual(
        outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
        [false, 'RequestConflict', 'InputError', false],
      );
    });
    it('accepts only web URLs', async () => {
      const taskId = aTask(aRun());
      for (const url of [
        'javascript:alert(1)',
        'file:///etc/passwd',
        'ftp://example.com/x',
        'data:,x',
        'x:/y',
      ])
        await assert.rejects(
          create(taskId, 'a', reference(url)),
          { code: 'InputError', message: /http:\/\/ or https:/ },
          url,
        );
      for (const url of ['http://example.com/x', 'HTTPS://example.com/x'])
        await create(taskId, url, reference(url));
    });
    it('again may extend the expiry, change a URL, or replace a reference by a link', async () => {
      const taskId = aTask(aRun());
      await create(taskId, 'a', reference());
      await create(taskId, 'a', reference('https://example.com/2', { expires: inHours(2) }));
      await assert.rejects(create(taskId, 'a', reference()), { code: 'RequestConflict' });
      await assert.rejects(
        create(taskId, 'a', reference('https://a.b/', { expires: inHours(3), contentType: 'x/y' })),
        {
          code: 'RequestConflict',
          message: /already exists with different properties/,
        },
      );
      await create(taskId, 'b', reference());
      await create(taskId, 'a', { ...link('b'), expires: inHours(2) });
      assert.equal(await urlOf(taskId, 'a'), 'https://example.com/x');
      const back = reference('https://a.b/', { expires: inHours(3), contentType: 'application/binary' });
      await assert.rejects(create(taskId, 'a', back), { code: 'RequestConflict' });
    });
    it('again as another type, or as an error with another message, is a conflict', async () => {
      const taskId = aTask(aRun());
      await create(taskId, 'r', reference());
      await create(taskId, 'e', error());
      for (const request of [error(), file(), object()])
        await assert.rejects(create(taskId, 'r', request), { code: 'RequestConflict' });
      await assert.rejects(create(taskId, 'e', error('other')), { code: 'RequestConflict' });
      await assert.rejects(create(taskId, 'e', link('r')), { code: 'RequestConflict' });
    });
    it('is refused for wrong tasks, runs and dates', async () => {
      const taskId = aTask(aRun());
      const refused = (attempt: Promise<unknown>, code: string, message: RegExp) =>
        assert.rejects(attempt, { code, message });
      await refused(create(slugid(), 'a', reference()), 'InputError', /Task not found/);
      await refused(create(taskId, 'a', reference(), 1), 'InputError', /Run not found/);
      const [past, late] = [later(clock.now(), -minutes(16)), later(clock.now(), days(2) + 1000)];
      await refused(
        create(taskId, 'a', reference('https://x.y/', { expires: past.toJSON() })),
        'InputError',
        /future/,
      );
      await refused(
        create(taskId, 'a', reference('https://x.y/', { expires: late.toJSON() })),
        'InputError',
        /task expiration/,
      );
      await refused(create(taskId, 'a', file({ contentType: 'a\0b' })), 'InputError', /content type/);
      await refused(create(taskId, 'a', link('ü')), 'InputError', /printable/);
    });
    it('is allowed during the run, and for 25 minutes after an exception', async () => {
      const ago = (ms: number) => later(clock.now(), -ms).toJSON();
      const allowed = [aRun(), aRun({ state: 'exception', resolved: ago(minutes(24)) })];
      for (const run of allowed) await create(aTask(run), 'a', reference());
      const { workerId: _id, workerGroup: _group, ...unclaimed } = aRun();
      const refused: RunStatus[] = [
        aRun({ state: 'completed', resolved: ago(0) }),
        aRun({ state: 'failed', resolved: ago(0) }),
        aRun({ state: 'exception', resolved: ago(minutes(26)) }),
      ];
      for (const run of refused)
        await assert.rejects(create(aTask(run), 'a', reference()), { code: 'RequestConflict' }, run.state);
      const neverClaimed: RunStatus[] = [
        { ...unclaimed, state: 'pending' },
        { ...unclaimed, state: 'exception', resolved: ago(0) },
      ];
      for (const run of neverClaimed)
        await assert.rejects(create(aTask(run), 'a', reference()), { code: 'InputError' }, run.state);
    });
  });

  describe('files', () => {
    it('are uploaded to a signed URL and read from another; nothing is reported', async () => {
      const taskId = aTask(aRun());
      const name = 'public/logs/a b.log';
      const reply = await create(taskId, name, file({ contentLength: 3 }));
      assert.ok(reply.storageType === 's3');
      assert.equal(reply.expires, later(clock.now(), minutes(45)).toJSON());
      const absent = await fetch(await urlOf(taskId, name));
      assert.equal(absent.status, 404);
      const headers = { 'content-type': 'text/plain' };
      assert.equal((await fetch(reply.putUrl, { method: 'PUT', body: 'log', headers })).status, 200);
      assert.equal(await (await fetch(await urlOf(taskId, name))).text(), 'log');
      assert.deepEqual(await messages(taskId), []);
      const path = await artifacts.locateFile({ taskId, runId: 0, name });
      assert.equal(await readFile(path ?? '', 'utf8'), 'log');
      const again = await create(taskId, name, file({ expires: inHours(2) }));
      assert.equal(again.storageType, 's3');
      const info = await artifacts.artifactInfo({ taskId, runId: 'latest', name });
      assert.deepEqual(info, {
        storageType: 's3',
        name,
        expires: inHours(2),
        contentType: 'text/plain',
        contentLength: 3,
      });
    });
    it('may be replaced while their run goes on, and by no URL afterwards', async () => {
      const upload = async (url: string, body: string): Promise<number> => {
        const { status } = await fetch(url, {
          method: 'PUT',
          body,
          headers: { 'content-type': 'text/plain' },
        });
        return status;
      };
      for (const state of ['completed', 'failed', 'exception'] as const) {
        const taskId = aTask(aRun());
        const bytes = async (): Promise<string> => (await fetch(await urlOf(taskId, 'a'))).text();
        const early = await create(taskId, 'a', file());
        const unused = await create(taskId, 'b', file());
        assert.ok(early.storageType === 's3' && unused.storageType === 's3');
        assert.deepEqual([await upload(early.putUrl, 'one'), await bytes()], [200, 'one']);
        assert.deepEqual([await upload(early.putUrl, 'two'), await bytes()], [200, 'two']);
        const status = statuses.get(taskId) as StatusWithLabels;
        statuses.set(taskId, { ...status, runs: [aRun({ state, resolved: clock.now().toJSON() })] });
        assert.deepEqual([await upload(early.putUrl, 'three'), await bytes()], [409, 'two'], state);
        // A client that did not get the reply of its upload may send the same bytes again.
        assert.deepEqual([await upload(early.putUrl, 'two'), await bytes()], [200, 'two'], state);
        // Late bytes are still accepted once.
        assert.deepEqual([await upload(unused.putUrl, 'x'), await upload(unused.putUrl, 'y')], [200, 409]);
        if (state !== 'exception') continue;
        const late = await create(taskId, 'a', file());
        assert.ok(late.storageType === 's3');
        assert.deepEqual([await upload(late.putUrl, 'four'), await bytes()], [409, 'two']);
      }
    });
    it('as objects are readable and reported once their upload is finished', async () => {
      const taskId = aTask(aRun());
      const started = await create(taskId, 'o', object());
      assert.ok(started.storageType === 'object');
      const { uploadId, projectId, name } = started;
      assert.equal(name, `t/${taskId}/0/o`);
      const request = issued.at(-1);
      assert.equal(request?.clientId, `artifact-upload/${taskId}/0/on/group/worker`);
      assert.deepEqual(request.scopes, [`object:upload:proj:${name}`]);
      assert.deepEqual(request.expiry.toJSON(), inHours(1));
      const repeated = await create(taskId, 'o', object());
      assert.ok(repeated.storageType === 'object' && repeated.uploadId === uploadId);

      const finish = (id = uploadId) =>
        artifacts.finishArtifact({ taskId, runId: 0, name: 'o', uploadId: id });
      await assert.rejects(get(taskId, 'o'), { code: 'ResourceNotFound' });
      await assert.rejects(finish(), { code: 'InputError' });
      await objects.createUpload({
        name,
        projectId,
        uploadId,
        expires: inHours(1),
        proposedUploadMethods: { dataInline: { contentType: 'text/plain', objectData: btoa('bytes') } },
        authorize: everything,
      });
      await objects.finishUpload({ name, projectId, uploadId, authorize: everything });
      await assert.rejects(finish(slugid()), { code: 'InputError' });
      assert.equal(await finish(), undefined);
      await finish();
      assert.equal((await messages(taskId)).length, 2);
      assert.equal(await (await fetch(await urlOf(taskId, 'o'))).text(), 'bytes');
      const content = await artifacts.artifactContent({ taskId, runId: 0, name: 'o', authorize: everything });
      assert.ok(content.storageType === 'object' && content.name === name);
      assert.deepEqual(issued.at(-1)?.scopes, [`object:download:${name}`]);
    });
    it('other than objects cannot be finished', async () => {
      const taskId = aTask(aRun());
      const finish = artifacts.finishArtifact({ taskId, runId: 0, name: 'r', uploadId: slugid() });
      await assert.rejects(finish, { code: 'ResourceNotFound' });
      await create(taskId, 'r', reference());
      const other = artifacts.finishArtifact({ taskId, runId: 0, name: 'r', uploadId: slugid() });
      await assert.rejects(other, { code: 'InputError' });
    });
  });

  describe('many in one request', () => {
    type Asked = CreateArtifactsRequest['artifacts'][number];
    const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const small = (name: string, text: string, more: Partial<Asked> = {}): Asked => {
      const bytes = Buffer.from(text);
      const content = { base64: bytes.toString('base64'), sha256: sha256Of(bytes) };
      return { name, artifact: file(), content, ...more };
    };
    const createAll = async (taskId: string, ...asked: Asked[]) =>
      (await artifacts.createArtifacts({ taskId, runId: 0, artifacts: asked })).artifacts;
    const codesOf = (answers: Awaited<ReturnType<typeof createAll>>) =>
      answers.map(({ error, isStored }) => error?.code ?? isStored);

    it('are created as each would be alone, in order, with the same messages', async () => {
      const taskId = aTask(aRun());
      const answers = await createAll(
        taskId,
        { name: 'public/r', artifact: reference() },
        small('public/small', 'few bytes'),
        { name: 'public/large', artifact: file() },
        { name: 'public/e', artifact: error() },
        { name: 'public/l', artifact: link('public/small') },
      );
      assert.deepEqual(
        answers.map(({ name, isStored, artifact }) => [name, isStored ?? artifact?.storageType]),
        [
          ['public/r', 'reference'],
          ['public/small', true],
          ['public/large', 's3'],
          ['public/e', 'error'],
          ['public/l', 'link'],
        ],
      );
      const large = answers[2]?.artifact;
      assert.ok(large?.storageType === 's3');
      const put = { method: 'PUT', body: 'many bytes', headers: { 'content-type': 'text/plain' } };
      assert.equal((await fetch(large.putUrl, put)).status, 200);
      const told = await messages(taskId);
      assert.deepEqual(
        told.map(({ payload }) => JSON.parse(payload).artifact.name),
        ['public/r', 'public/e', 'public/l'],
      );
      for (const [name, text] of [
        ['public/small', 'few bytes'],
        ['public/l', 'few bytes'],
        ['public/large', 'many bytes'],
      ] as const)
        assert.equal(await (await fetch(await urlOf(taskId, name))).text(), text);
    });
    it('have the length of their bytes, whatever else the request says', async () => {
      const taskId = aTask(aRun());
      const asked = small('a', '0123', { artifact: file({ contentLength: 9 }) });
      assert.deepEqual(codesOf(await createAll(taskId, asked)), [true]);
      const { contentLength } = await artifacts.artifactInfo({ taskId, runId: 0, name: 'a' });
      assert.equal(contentLength, 4);
    });
    it('with their bytes are read by every method that reads artifacts', async () => {
      const taskId = aTask(aRun());
      await createAll(taskId, small('public/a b+c.txt', '0123456789'), small('empty', ''));
      const name = 'public/a b+c.txt';
      const view = {
        storageType: 's3',
        name,
        expires: inHours(1),
        contentType: 'text/plain',
        contentLength: 10,
      };
      assert.deepEqual(await artifacts.artifactInfo({ taskId, runId: 0, name }), view);
      assert.deepEqual((await artifacts.listArtifacts({ taskId, runId: 'latest' })).artifacts.at(-1), view);
      const content = await artifacts.artifactContent({ taskId, runId: 0, name, authorize: everything });
      assert.ok(content.storageType === 's3');
      for (const url of [content.url, await urlOf(taskId, name), await urlOf(taskId, name, 'latest')]) {
        const reply = await fetch(url);
        assert.deepEqual(
          [reply.status, reply.headers.get('content-type'), await reply.text()],
          [200, 'text/plain', '0123456789'],
        );
        assert.match(reply.headers.get('content-security-policy') ?? '', /^sandbox/);
      }
      const part = await fetch(content.url, { headers: { range: 'bytes=2-4' } });
      assert.deepEqual([part.status, await part.text()], [206, '234']);
      const head = await fetch(content.url, { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, '10']);
      assert.equal(await (await fetch(await urlOf(taskId, 'empty'))).text(), '');
      assert.equal(await artifacts.locateFile({ taskId, runId: 0, name }), undefined);
    });
    it('may come compressed, and are decoded for readers that do not accept that', async () => {
      const taskId = aTask(aRun());
      const bytes = gzipSync('plain text');
      await createAll(taskId, {
        name: 'z',
        artifact: file(),
        content: { base64: bytes.toString('base64'), sha256: sha256Of(bytes), contentEncoding: 'gzip' },
      });
      const url = await urlOf(taskId, 'z');
      const accepted = await fetch(url, { headers: { 'accept-encoding': 'gzip' } });
      assert.deepEqual(
        [accepted.headers.get('content-encoding'), await accepted.text()],
        ['gzip', 'plain text'],
      );
      const decoded = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
      assert.deepEqual([decoded.headers.get('content-encoding'), await decoded.text()], [null, 'plain text']);
    });
    it('are each refused alone, and the others are there', async () => {
      const taskId = aTask(aRun());
      const damaged = { base64: btoa('damaged'), sha256: sha256Of(Buffer.from('whole')) };
      const tooMuch = 'x'.repeat(8193);
      const answers = await createAll(
        taskId,
        small('good', 'good'),
        small('damaged', '', { content: damaged }),
        small('no file', 'x', { artifact: reference() }),
        small('too much', tooMuch),
        small('late', 'x', { artifact: file({ expires: inHours(50) }) }),
        small('also good', 'good'),
      );
      assert.deepEqual(codesOf(answers), [
        true,
        'InputError',
        'InputError',
        'InputTooLarge',
        'InputError',
        true,
      ]);
      assert.deepEqual(
        answers.map(({ error }) => error?.statusCode),
        [undefined, 400, 400, 413, 400, undefined],
      );
      const { artifacts: there } = await artifacts.listArtifacts({ taskId, runId: 0 });
      assert.deepEqual(
        there.map(({ name }) => name),
        ['also good', 'good'],
      );
    });
    it('may be repeated; other bytes under a name, an upload to it, and a run that has ended are conflicts', async () => {
      const taskId = aTask(aRun());
      assert.deepEqual(codesOf(await createAll(taskId, small('a', 'one'))), [true]);
      const again = await createAll(
        taskId,
        small('a', 'one'),
        small('a', 'two'),
        small('a', 'one', { artifact: file({ expires: inHours(2) }) }),
      );
      assert.deepEqual(codesOf(again), [true, 'RequestConflict', true]);
      await assert.rejects(create(taskId, 'a', file({ expires: inHours(2) })), { code: 'RequestConflict' });
      assert.equal((await artifacts.artifactInfo({ taskId, runId: 0, name: 'a' })).expires, inHours(2));
      assert.equal(await (await fetch(await urlOf(taskId, 'a'))).text(), 'one');
      await create(taskId, 'uploaded', file());
      assert.deepEqual(codesOf(await createAll(taskId, small('uploaded', 'x'))), ['RequestConflict']);
      const over = aTask(aRun({ state: 'completed', resolved: clock.now().toJSON() }));
      assert.deepEqual(codesOf(await createAll(over, small('a', 'x'))), ['RequestConflict']);
    });
    it('have URLs that are good for one artifact, for reading, and until they expire', async () => {
      const taskId = aTask(aRun());
      await createAll(taskId, small('a', 'one'), small('b', 'two'));
      const url = await urlOf(taskId, 'a');
      assert.equal((await fetch(url.replace('/0/a?', '/0/b?'))).status, 403);
      assert.equal((await fetch(url.replace('.contents', 'disk'))).status, 403);
      const headers = { 'content-type': 'text/plain' };
      assert.equal((await fetch(url, { method: 'PUT', body: 'x', headers })).status, 403);
      clock.advance(minutes(31));
      assert.equal((await fetch(url)).status, 403);
      clock.advance(-minutes(31));
    });
    it('are deleted with their bytes when they have expired', async () => {
      const taskId = aTask(aRun());
      await createAll(taskId, small('a', 'one'));
      clock.advance(minutes(59));
      const url = await urlOf(taskId, 'a');
      clock.advance(minutes(2));
      await assert.rejects(get(taskId, 'a'), { code: 'ResourceExpired' });
      assert.equal((await fetch(url)).status, 200);
      await test.db.transaction((tx) =>
        artifacts.expireArtifactsOf(tx, [taskId], later(clock.now(), -minutes(40))),
      );
      while ((await artifacts.expireArtifacts(100)) > 0);
      assert.equal((await fetch(url)).status, 404);
    });
  });

  describe('reading', () => {
    it('follows links, and checks the scope of each name before reading it', async () => {
      const taskId = aTask(aRun());
      await create(taskId, '1', link('2'));
      await create(taskId, '2', link('3'));
      await create(taskId, '3', reference());
      const asked: unknown[] = [];
      const authorize = ({ names }: Readonly<Record<string, unknown>>) => {
        asked.push([...(names as string[])]);
      };
      await artifacts.getArtifact({ taskId, runId: 0, name: '1', authorize });
      assert.deepEqual(asked, [['1'], ['1', '2'], ['1', '2', '3']]);
      const refuse = () => {
        throw new RequestError('InsufficientScopes', 'no');
      };
      const absent = { taskId: slugid(), name: 'none', authorize: refuse };
      await assert.rejects(artifacts.getArtifact({ ...absent, runId: 'latest' }), {
        code: 'InsufficientScopes',
      });
    });
    it('of a cycle of links fails', async () => {
      const taskId = aTask(aRun());
      await create(taskId, 'a', link('b'));
      await create(taskId, 'b', link('a'));
      await assert.rejects(get(taskId, 'a'), { code: 'InputError', message: /cycle/ });
    });
    it('of an error artifact is a 424, also through a link', async () => {
      const taskId = aTask(aRun());
      await create(taskId, 'e', error('why\0'));
      await create(taskId, 'l', link('e'));
      for (const name of ['e', 'l']) {
        const reply = await get(taskId, name);
        assert.ok(reply instanceof Reply);
        assert.equal(reply.status, 424);
        assert.equal(reply.headers['x-taskcluster-artifact-storage-type'], 'error');
        assert.deepEqual(reply.body, { reason: 'file-missing-on-worker', message: 'why\0' });
      }
      const content = await artifacts.artifactContent({ taskId, runId: 0, name: 'l', authorize: everything });
      assert.equal(content.storageType, 'error');
    });
    it('of the latest run reads the last one, even without artifacts', async () => {
      const taskId = aTask(aRun({ state: 'exception', resolved: clock.now().toJSON() }), aRun({ runId: 1 }));
      await create(taskId, 'x', reference('https://example.com/0'), 0);
      await assert.rejects(get(taskId, 'x', 'latest'), { code: 'ResourceNotFound' });
      await create(taskId, 'x', reference('https://example.com/1'), 1);
      assert.equal(await urlOf(taskId, 'x', 'latest'), 'https://example.com/1');
      await assert.rejects(get(slugid(), 'x', 'latest'), { code: 'ResourceNotFound' });
      await assert.rejects(get(aTask(), 'x', 'latest'), { code: 'ResourceNotFound' });
    });
  });

  describe('listings', () => {
    it('are sorted by name, in pages', async () => {
      const taskId = aTask(aRun());
      const names = ['Z', 'a', 'b/1', 'b/2', 'c'];
      for (const name of [...names].reverse()) await create(taskId, name, reference());
      const seen: string[] = [];
      let token: string | undefined;
      do {
        const continuation = token === undefined ? {} : { continuationToken: token };
        const page = await artifacts.listArtifacts({ taskId, runId: 'latest', limit: 2, ...continuation });
        seen.push(...page.artifacts.map((artifact) => artifact.name));
        token = page.continuationToken;
      } while (token);
      assert.deepEqual(seen, names);
      const garbled = await artifacts.listArtifacts({ taskId, runId: 0, continuationToken: 'garbled' });
      assert.equal(garbled.artifacts.length, 5);
    });
    it('are empty for a run without artifacts, and 404 without the run', async () => {
      assert.deepEqual(await artifacts.listArtifacts({ taskId: aTask(aRun()), runId: 0 }), { artifacts: [] });
      const absent: [string, number | 'latest'][] = [
        [slugid(), 0],
        [aTask(aRun()), 1],
        [aTask(), 'latest'],
      ];
      for (const [taskId, runId] of absent)
        await assert.rejects(artifacts.listArtifacts({ taskId, runId }), { code: 'ResourceNotFound' });
    });
  });

  describe('expiry', () => {
    it('ends reading at once, and deletes bytes and rows half an hour later', async () => {
      const taskId = aTask(aRun());
      const reply = await create(taskId, 'f', file());
      assert.ok(reply.storageType === 's3');
      await fetch(reply.putUrl, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/plain' } });
      await create(taskId, 'kept', reference('https://example.com/', { expires: inHours(4) }));
      const ref = { taskId, runId: 0, name: 'f' };
      const path = (await artifacts.locateFile(ref)) ?? '';
      clock.advance(hours(1) + 1);
      await assert.rejects(get(taskId, 'f'), { code: 'ResourceExpired' });
      const before = await artifacts.artifactInfo(ref);
      assert.equal(before.name, 'f');
      clock.advance(minutes(31));
      while ((await artifacts.expireArtifacts(2)) > 0);
      await assert.rejects(artifacts.artifactInfo(ref), { code: 'ResourceNotFound' });
      await assert.rejects(readFile(path), { code: 'ENOENT' });
      assert.equal((await artifacts.artifactInfo({ ...ref, name: 'kept' })).name, 'kept');
    });
    it('comes earlier for the artifacts of deleted tasks', async () => {
      const taskId = aTask(aRun());
      await create(taskId, 'a', reference());
      await test.db.transaction((tx) => artifacts.expireArtifactsOf(tx, [taskId], clock.now()));
      clock.advance(minutes(31));
      await artifacts.expireArtifacts(100);
      const gone = artifacts.artifactInfo({ taskId, runId: 0, name: 'a' });
      await assert.rejects(gone, { code: 'ResourceNotFound' });
    });
    it('by cleaning spares a task that came to be needed after it was looked at', async () => {
      const upload = async (): Promise<string> => {
        const taskId = aTask(aRun());
        const reply = await create(taskId, 'input', file());
        assert.ok(reply.storageType === 's3');
        const put = { method: 'PUT', body: 'bytes', headers: { 'content-type': 'text/plain' } };
        assert.equal((await fetch(reply.putUrl, put)).status, 200);
        return taskId;
      };
      const [settled, neededAgain] = [await upload(), await upload()];
      const setState = (taskId: string, state: 'completed' | 'running') =>
        statuses.set(taskId, { ...(statuses.get(taskId) as StatusWithLabels), state });
      for (const taskId of [settled, neededAgain]) setState(taskId, 'completed');
      afterLook = () => setState(neededAgain, 'running');
      const cleaned = await artifacts.cleanArtifacts({ bytesMax: 0 }, { isDryRun: false });
      assert.deepEqual(cleaned, { runs: 1, bytes: 'bytes'.length });
      assert.equal((await get(neededAgain, 'input')).status, 303);
      await assert.rejects(get(settled, 'input'), { code: 'ResourceNotFound' });
    });
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fastify } from 'fastify';
import { days, hours, later, manualClock, PartyAway, silentLog, slugid } from '../base/index.ts';
import { type Opened, opened, type TestDatabase, testDatabase } from '../testing/index.ts';
import type { GivenObjectsContext } from './context.ts';
import { createObjects, type Objects } from './index.ts';
import { backendFor, mistakesInPlacement } from './placement.ts';
import type { CreateUploadRequest } from './schema.ts';

const sha = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex');

/** A step of the loop that deletes expired objects. */
const expire = async ({ loops }: Opened<Objects>, limit: number): Promise<number> => {
  const loop = loops.find(({ name }) => name === 'expire-objects');
  assert.ok(loop);
  return loop.step(limit);
};

describe('objects', () => {
  const clock = manualClock();
  const app = fastify();
  const authorize = () => {};
  let test: TestDatabase;
  let folder: string;
  let deps: GivenObjectsContext;
  let objects: Opened<Objects>;

  before(async () => {
    test = await testDatabase();
    folder = await mkdtemp(join(tmpdir(), 'taskyard-objects-'));
    deps = {
      db: test.db,
      clock,
      log: silentLog,
      rootUrl: () => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
      backends: { disk: { type: 'disk', folder } },
    };
    objects = opened(createObjects(deps));
    objects.byteRoutes(app);
    await app.listen({ port: 0, host: '127.0.0.1' });
  });
  after(async () => {
    await app.close();
    await test.drop();
    await rm(folder, { recursive: true });
  });

  const anUpload = (more: Partial<CreateUploadRequest> = {}) => ({
    name: `test/${slugid()}`,
    projectId: 'proj',
    uploadId: slugid(),
    expires: later(clock.now(), days(3)).toJSON(),
    proposedUploadMethods: {},
    authorize,
    ...more,
  });
  const inline = (text: string) => ({
    dataInline: { contentType: 'text/plain', objectData: Buffer.from(text).toString('base64') },
  });
  const finished = async (text = 'bytes', more: Partial<CreateUploadRequest> = {}) => {
    const upload = anUpload({ proposedUploadMethods: inline(text), ...more });
    await objects.createUpload(upload);
    await objects.finishUpload(upload);
    return upload;
  };
  const read = async (url: string) => (await fetch(url)).text();

  it('without a method the name is reserved; a repeat succeeds, anything else is a conflict', async () => {
    const upload = anUpload();
    const { projectId, uploadId, expires } = upload;
    const reply = { projectId, uploadId, expires, uploadMethod: {} };
    assert.deepEqual(await objects.createUpload(upload), reply);
    assert.deepEqual(await objects.createUpload(upload), reply);
    const others = [{ uploadId: slugid() }, { projectId: 'other' }, { expires: clock.now().toJSON() }];
    for (const other of others)
      await assert.rejects(objects.createUpload({ ...upload, ...other }), { code: 'RequestConflict' });
  });
  it('the scope of the project is required', async () => {
    const asked: unknown[] = [];
    const upload = { ...anUpload(), authorize: (values: object) => asked.push(values) };
    await objects.createUpload(upload);
    await objects.finishUpload(upload);
    assert.deepEqual(asked, [{ projectId: 'proj' }, { projectId: 'proj' }]);
  });
  it('bytes in the request can be read by each method once the upload is finished', async () => {
    const upload = anUpload({
      proposedUploadMethods: inline('hello'),
      hashes: { sha256: sha('sha256', 'hello') },
    });
    assert.deepEqual((await objects.createUpload(upload)).uploadMethod, { dataInline: true });
    const { name } = upload;
    await assert.rejects(objects.object({ name }), { code: 'ResourceNotFound' });
    await assert.rejects(objects.download({ name }), { code: 'ResourceNotFound' });
    assert.deepEqual(await objects.finishUpload(upload), {});
    const both = await objects.startDownload({ name, acceptDownloadMethods: { simple: true, getUrl: true } });
    assert.ok(both.method === 'getUrl');
    assert.equal(both.hashes.sha256, sha('sha256', 'hello'));
    assert.equal(await read(both.url), 'hello');
    const simple = await objects.startDownload({ name, acceptDownloadMethods: { simple: true } });
    assert.equal(simple.method, 'simple');
    assert.equal(await read(simple.url), 'hello');
    await assert.rejects(objects.startDownload({ name, acceptDownloadMethods: {} }), {
      code: 'NoMatchingMethod',
    });
    const redirect = await objects.download({ name });
    assert.equal(redirect.status, 303);
    assert.equal(await read(redirect.headers.location ?? ''), 'hello');
    assert.deepEqual(await objects.object({ name }), {
      projectId: 'proj',
      expires: upload.expires,
      hashes: upload.hashes,
    });
  });
  it('more than 8 KiB do not fit into the request', async () => {
    await objects.createUpload(anUpload({ proposedUploadMethods: inline('x'.repeat(8192)) }));
    const tooLarge = anUpload({ proposedUploadMethods: inline('x'.repeat(8193)) });
    await assert.rejects(objects.createUpload(tooLarge), { code: 'InputError' });
  });
  it('no URL is signed for a length that nothing has', async () => {
    const urlFor = (contentLength: number) =>
      objects.createUpload(
        anUpload({ proposedUploadMethods: { putUrl: { contentType: 'text/html', contentLength } } }),
      );
    for (const contentLength of [-1, 2 ** 53, 1e300])
      await assert.rejects(urlFor(contentLength), { code: 'InputError' });
    for (const contentLength of [0, 2 ** 53 - 1])
      assert.ok((await urlFor(contentLength)).uploadMethod.putUrl?.url);
  });
  it('a signed URL accepts exactly the announced bytes, and nothing after the finish', async () => {
    const putUrl = { contentType: 'text/html', contentLength: 5 };
    const upload = anUpload({ proposedUploadMethods: { putUrl } });
    const { uploadMethod } = await objects.createUpload(upload);
    const { url, headers, expires } = uploadMethod.putUrl ?? { url: '', headers: {}, expires: '' };
    assert.ok(new Date(expires) > clock.now());
    assert.deepEqual(headers, { 'Content-Type': 'text/html', 'Content-Length': '5' });
    const put = (body: string) =>
      fetch(url, { method: 'PUT', body, headers: { 'content-type': 'text/html' } });
    assert.equal((await put('too long')).status, 413);
    assert.equal((await put('hello')).status, 200);
    await objects.finishUpload(upload);
    assert.equal((await put('other')).status, 409);
    const { name } = upload;
    assert.equal(await read(await objects.downloadUrl(name)), 'hello');
    assert.equal(await readFile((await objects.locate(name)) ?? '', 'utf8'), 'hello');
    await assert.rejects(objects.createUpload(upload), { code: 'RequestConflict' });
  });
  it('a finish may be repeated, but adds hashes only the first time', async () => {
    const sha256 = sha('sha256', 'x');
    const upload = anUpload({ proposedUploadMethods: inline('x'), hashes: { sha256 } });
    await objects.createUpload(upload);
    const finish = { ...upload, hashes: { sha512: sha('sha512', 'x') } };
    await objects.finishUpload(finish);
    await objects.finishUpload(finish);
    await objects.finishUpload({ ...upload, hashes: {} });
    for (const hashes of [{ sha512: 'c'.repeat(128) }, { md5: 'x' }])
      await assert.rejects(objects.finishUpload({ ...finish, hashes }), {
        code: /RequestConflict|InputError/,
      });
    assert.deepEqual((await objects.object(upload)).hashes, { sha256, sha512: finish.hashes.sha512 });
  });
  it('hashes may have the names that every object has', async () => {
    const hashes = { constructor: 'x', toString: 'y' } as unknown as Record<string, string>;
    const upload = anUpload({ proposedUploadMethods: inline('x') });
    await objects.createUpload(upload);
    await objects.createUpload({ ...upload, hashes });
    await objects.finishUpload({ ...upload, hashes });
    assert.deepEqual((await objects.object(upload)).hashes, hashes);
  });
  it('a finish with another upload, project or name is refused', async () => {
    const upload = anUpload();
    await assert.rejects(objects.finishUpload(upload), { code: 'ResourceNotFound' });
    await objects.createUpload(upload);
    const refused = (more: object, code: string) =>
      assert.rejects(objects.finishUpload({ ...upload, ...more }), { code });
    await refused({ uploadId: slugid() }, 'RequestConflict');
    await refused({ projectId: 'other' }, 'InputError');
  });
  it('the owner of an object is checked before its bytes: no other caller learns their hash', async () => {
    const upload = anUpload({ proposedUploadMethods: inline('x') });
    await objects.createUpload(upload);
    const hashes = { sha256: 'a'.repeat(64) };
    const finishAs = (more: object) => objects.finishUpload({ ...upload, hashes, ...more });
    for (const more of [{ projectId: 'other' }, { uploadId: slugid() }])
      await assert.rejects(finishAs(more), ({ message }: Error) => !message.includes(sha('sha256', 'x')));
    await assert.rejects(finishAs({}), ({ message }: Error) => message.includes(sha('sha256', 'x')));
  });
  it('wrong hashes prevent the finish; hashes that cannot be checked are accepted', async () => {
    const wrong = anUpload({ proposedUploadMethods: inline('x'), hashes: { sha256: 'a'.repeat(64) } });
    await objects.createUpload(wrong);
    await assert.rejects(objects.finishUpload(wrong), { code: 'InputError', message: /sha256/ });
    const wrong512 = anUpload({ proposedUploadMethods: inline('x') });
    await objects.createUpload(wrong512);
    const hashes = { sha512: 'a'.repeat(128) };
    await assert.rejects(objects.finishUpload({ ...wrong512, hashes }), {
      code: 'InputError',
      message: /sha512/,
    });
    // Without bytes there is nothing to check; the original accepts such objects too.
    const unknown = { sha256: 'a'.repeat(64), other: 'word' };
    const empty = anUpload({ hashes: unknown });
    await objects.createUpload(empty);
    await objects.finishUpload(empty);
    const control = { sha256: 'a'.repeat(64), other: 'a\0b' };
    const nonsense = anUpload({ hashes: control });
    await assert.rejects(objects.createUpload(nonsense), { code: 'InputError' });
  });
  it('of many uploads that start the same object at once, one gets it', async () => {
    const name = `test/${slugid()}`;
    const uploads = Array.from({ length: 20 }, () => ({ ...anUpload(), name }));
    const outcomes = await Promise.allSettled(uploads.map((upload) => objects.createUpload(upload)));
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
  });
  it('objects are deleted when they expire, unfinished uploads after a day', async () => {
    const short = await finished('short', { expires: later(clock.now(), hours(1)).toJSON() });
    const long = await finished('long', { expires: later(clock.now(), days(3)).toJSON() });
    const unfinished = anUpload();
    await objects.createUpload(unfinished);
    const path = (await objects.locate(short.name)) ?? '';
    clock.advance(hours(2));
    await assert.rejects(objects.object(short), { code: 'ResourceNotFound' });
    while ((await expire(objects, 3)) > 0);
    await assert.rejects(readFile(path), { code: 'ENOENT' });
    await objects.createUpload(unfinished);
    clock.advance(days(1));
    while ((await expire(objects, 3)) > 0);
    await assert.rejects(objects.finishUpload(unfinished), { code: 'ResourceNotFound' });
    assert.equal(await read(await objects.downloadUrl(long.name)), 'long');
  });
  it('an impossible configuration is refused at the start', () => {
    const build = (more: Partial<GivenObjectsContext>) => () => opened(createObjects({ ...deps, ...more }));
    assert.throws(build({ backends: {} }), /At least one backend/);
    assert.throws(build({ artifactBackend: 'none' }), /No backend has the name none/);
    assert.throws(build({ placement: [{ backendId: 'none', when: 'all' }] }), /No backend has the name none/);
  });
  it('each backend has its own objects, and URLs of one are invalid at another', async () => {
    const other = await mkdtemp(join(tmpdir(), 'taskyard-other-'));
    const server = fastify();
    const two = opened(
      createObjects({
        ...deps,
        rootUrl: () => `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
        backends: { disk: { type: 'disk', folder }, other: { type: 'disk', folder: other } },
        placement: [
          { backendId: 'other', when: { name: { prefix: 'other/' } } },
          { backendId: 'disk', when: 'all' },
        ],
        artifactBackend: 'other',
      }),
    );
    two.byteRoutes(server);
    await server.listen({ port: 0, host: '127.0.0.1' });
    try {
      const placed = async (name: string) => {
        const putUrl = { contentType: 'text/plain', contentLength: name.length };
        const upload = { ...anUpload({ proposedUploadMethods: { putUrl } }), name };
        const { url = '' } = (await two.createUpload(upload)).uploadMethod.putUrl ?? {};
        const headers = { 'content-type': 'text/plain' };
        assert.equal((await fetch(url, { method: 'PUT', body: name, headers })).status, 200);
        await two.finishUpload({ ...upload, hashes: { sha256: sha('sha256', name) } });
        const download = await two.downloadUrl(name);
        assert.equal(await read(download), name);
        return { file: (await two.locate(name)) ?? '', download };
      };
      const here = await placed(`here/${slugid()}`);
      const there = await placed(`other/${slugid()}`);
      assert.ok(here.file.startsWith(folder) && there.file.startsWith(other));
      assert.doesNotMatch(here.download, /backend=/);
      assert.equal((await fetch(`${here.download}&backend=other`)).status, 403);
      assert.equal((await fetch(there.download.replace('backend=other', ''))).status, 403);
      assert.equal((await fetch(there.download.replace('backend=other', 'backend=none'))).status, 403);
      await two.artifactBytes.write('key', Buffer.from('artifact'), 'text/plain');
      assert.ok((await two.artifactBytes.locate('key'))?.startsWith(other));
    } finally {
      await server.close();
      await rm(other, { recursive: true });
    }
  });
  it('an object of a removed backend is refused and stays, and does not block the expiry of others', async () => {
    const expires = later(clock.now(), hours(1)).toJSON();
    const lost = await finished('lost', { expires });
    const without = opened(createObjects({ ...deps, backends: { another: { type: 'disk', folder } } }));
    await assert.rejects(without.download(lost), {
      code: 'NoMatchingBackend',
      message: /not configured any more/,
    });
    await assert.rejects(without.finishUpload(lost), { code: 'NoMatchingBackend' });
    clock.advance(hours(2));
    assert.equal(await expire(without, 1), 0);
    assert.ok((await expire(objects, 100)) > 0);
  });
  it('a bucket that is away refuses bytes as unavailable, and does not block the expiry of others', async () => {
    const away = { type: 's3', bucket: 'b', region: 'r', endpoint: 'http://127.0.0.1:1' } as const;
    const key = { accessKeyId: 'key', secretAccessKey: 'secret' };
    const both = opened(
      createObjects({
        ...deps,
        backends: { disk: { type: 'disk', folder }, away: { ...away, ...key } },
        placement: [
          { backendId: 'away', when: { name: { prefix: 'away/' } } },
          { backendId: 'disk', when: 'all' },
        ],
      }),
    );
    const name = `away/${slugid()}`;
    const expires = later(clock.now(), days(1)).toJSON();
    const upload = anUpload({ proposedUploadMethods: inline('bytes'), expires });
    await assert.rejects(both.createUpload({ ...upload, name }), (error) => error instanceof PartyAway);
    const here = await finished('here', { expires: later(clock.now(), days(3)).toJSON() });
    clock.advance(days(4));
    // What is in the bucket expired before.
    while ((await expire(both, 1)) > 0);
    const left = await test.db<{
      name: string;
    }>`select name from objects where name = any(${[name, here.name]})`;
    assert.deepEqual(left, [{ name }]);
  });
  it('an object that matches no rule is refused', async () => {
    const placement = [{ backendId: 'disk', when: { projectId: { exact: 'special' } } }] as const;
    const picky = opened(createObjects({ ...deps, placement }));
    await assert.rejects(picky.createUpload(anUpload()), { code: 'NoMatchingBackend', message: /backend/ });
    await picky.createUpload(anUpload({ projectId: 'special' }));
  });
});

it('the first matching rule places an object', () => {
  const rules = [
    { backendId: 'exact', when: { name: { exact: 'a' } } },
    { backendId: 'both', when: { name: { prefix: 'a' }, projectId: { exact: 'p' } } },
    { backendId: 'pattern', when: { name: { regexp: '^b+$' } } },
    { backendId: 'rest', when: 'all' },
  ] as const;
  const place = (name: string, projectId = 'q') => backendFor(rules, { name, projectId });
  assert.deepEqual(
    [place('a', 'p'), place('ab', 'p'), place('bb'), place('ab')],
    ['exact', 'both', 'pattern', 'rest'],
  );
  assert.equal(backendFor(rules.slice(0, 3), { name: 'c', projectId: 'p' }), undefined);
});

it('contradictory settings of backends are reported', () => {
  const disk = { type: 'disk', folder: '/x' } as const;
  const bucket = { type: 's3', bucket: 'b', region: 'r' } as const;
  assert.deepEqual(mistakesInPlacement({ standard: 'disk' }), []);
  const backendMap = ['disk', 'cold'].map((backendId) => ({ backendId, when: 'all' }) as const);
  assert.deepEqual(mistakesInPlacement({ standard: 'disk', backends: { cold: bucket }, backendMap }), []);
  const backends = { disk, half: { ...bucket, accessKeyId: 'a' } };
  const wrong = mistakesInPlacement({ standard: 'disk', backends, backendMap, artifactBackend: 'none' });
  assert.deepEqual(
    wrong.map(([setting, message]) => [setting, message.split(' ')[0]]),
    [
      ['backends', 'disk'],
      ['backends', 'half'],
      ['backendMap', 'names'],
      ['artifactBackend', 'names'],
    ],
  );
});

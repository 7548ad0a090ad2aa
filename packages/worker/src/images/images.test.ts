import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually } from '@taskyard/patience';
import { pack } from 'tar-stream';
import { type Clock, later, minutes, systemClock } from '../clock.ts';
import { noContainers, startContainerDaemon } from '../testing/container-daemon.ts';
import { startFakeRegistry } from '../testing/fake-registry.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { saveBusybox } from '../testing/saved-image.ts';
import { type Images, openImages, type ProvidedImage } from './images.ts';

const skip = noContainers;
const daemon = skip === false ? await startContainerDaemon() : undefined;
after(() => daemon?.stop());

interface Scene {
  readonly images: Images;
  readonly lines: string[];
  readonly directory: string;
  /** How many artifacts were fetched. */
  readonly fetched: string[];
  /** Moves the clock by this many minutes. */
  pass(minutesLater: number): void;
  pull(name: string): Promise<ProvidedImage>;
  /** Loads an archive as if it were an artifact. */
  load(archive: Buffer, artifact?: string): Promise<ProvidedImage>;
  has(name: string): Promise<boolean>;
}

const aScene = async (t: TestContext, given?: { directory: string }): Promise<Scene> => {
  assert.ok(daemon);
  const { docker } = daemon;
  const directory = given?.directory ?? (await temporaryDirectory(t));
  let aheadMs = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => later(systemClock.now(), aheadMs),
    // Pauses between attempts pass at once.
    sleep: async () => undefined,
  };
  const images = await openImages(docker, { clock, recordPath: join(directory, 'images.json'), labels: {} });
  const lines: string[] = [];
  const fetched: string[] = [];
  const providing = (path: string) => ({
    signal: new AbortController().signal,
    report: (text: string) => void lines.push(text),
    fetch: async ({ artifact }: { artifact: string }) => {
      fetched.push(artifact);
      return { path, isOwn: false, release: async () => undefined };
    },
  });
  return {
    images,
    lines,
    directory,
    fetched,
    pass: (count) => {
      aheadMs += minutes(count);
    },
    pull: (name) => images.provide({ type: 'docker-image', name }, providing('')),
    load: async (archive, artifact = 'public/image.tar') => {
      const path = join(directory, `artifact-${createHash('sha256').update(archive).digest('hex')}`);
      await writeFile(path, archive);
      return images.provide({ type: 'task-image', taskId: 'task', path: artifact }, providing(path));
    },
    has: (name) =>
      docker
        .getImage(name)
        .inspect()
        .then(
          () => true,
          () => false,
        ),
  };
};

const aRegistry = async (t: TestContext) => {
  const registry = await startFakeRegistry();
  t.after(() => registry.close());
  return registry;
};

/** Contents that no other image of these tests has. */
let count = 0;
const unique = () => ({ files: { 'etc/number': `${count++}\n` } });

test('an image is pulled from its registry, and the log tells how far it is', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  await registry.put('team/tool:1', unique());
  const name = `${registry.address}/team/tool:1`;
  const image = await scene.pull(name);
  assert.match(image.id, /^sha256:/);
  assert.equal(scene.lines[0], `Pulling ${name}`);
  assert.match(scene.lines.at(-1) ?? '', /^Pulled .*: ([12]) of \1 layers, /);
});

test('a name without a tag means its latest', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  await registry.put('tool:latest', unique());
  await scene.pull(`${registry.address}/tool`);
  assert.ok(await scene.has(`${registry.address}/tool:latest`));
});

test('a registry that fails is asked again; one that does not have the image is not', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  await registry.put('tool:1', unique());
  // A daemon asks up to twice at each attempt.
  registry.failures.push(500, 503, 500);
  await scene.pull(`${registry.address}/tool:1`);
  const repeats = () => scene.lines.filter((line) => line.includes('tried again')).length;
  const before = repeats();
  assert.ok(before > 0);
  await assert.rejects(scene.pull(`${registry.address}/other:1`), /not found|unknown/);
  assert.equal(repeats(), before);
});

test('a registry that is never well is given up', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  registry.failures.push(...Array<number>(1000).fill(500));
  await assert.rejects(scene.pull(`${registry.address}/tool:1`), /500/);
  assert.equal(scene.lines.filter((line) => line.includes('tried again')).length, 4);
});

test('an image by its digest is that image, and is asked for once', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  const digest = await registry.put('tool:1', unique());
  await registry.put('tool:1', unique());
  const name = `${registry.address}/tool@${digest}`;
  const image = await scene.pull(name);
  const asked = registry.asked.length;
  scene.pass(600);
  assert.equal((await scene.pull(name)).id, image.id);
  assert.equal(registry.asked.length, asked);
  const moved = await scene.pull(`${registry.address}/tool:1`);
  assert.notEqual(moved.id, image.id);
});

test('a digest that nothing has is refused', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  await registry.put('tool:1', unique());
  await assert.rejects(scene.pull(`${registry.address}/tool@sha256:${'0'.repeat(64)}`), /not found|unknown/);
});

test('a tag is read again after an hour, and used as it is when the registry does not reply', {
  skip,
}, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  await registry.put('tool:1', unique());
  const name = `${registry.address}/tool:1`;
  const first = await scene.pull(name);
  await registry.put('tool:1', unique());
  assert.equal((await scene.pull(name)).id, first.id);
  scene.pass(61);
  const second = await scene.pull(name);
  assert.notEqual(second.id, first.id);
  registry.failures.push(...Array<number>(100).fill(500));
  scene.pass(61);
  assert.equal((await scene.pull(name)).id, second.id);
  assert.match(scene.lines.at(-1) ?? '', /used as it is here, as it cannot be pulled/);
});

test('an artifact becomes an image, whatever it is compressed with', { skip }, async (t) => {
  const scene = await aScene(t);
  const compress = (program: string, bytes: Buffer) =>
    execFileSync(program, ['-c'], { input: bytes, maxBuffer: 64 * 1024 * 1024 });
  const content = unique();
  const archive = await saveBusybox('any:name', content);
  const plain = await scene.load(archive);
  const gzipped = await scene.load(gzipSync(archive), 'public/image.tar.gz');
  const zstd = await scene.load(compress('zstd', archive), 'public/image.tar.zst');
  assert.deepEqual([gzipped.id, zstd.id], [plain.id, plain.id]);
});

test('an archive cannot give a name to its image, which would be another for the tasks to come', {
  skip,
}, async (t) => {
  const scene = await aScene(t);
  const name = daemon?.image ?? '';
  const before = await daemon?.docker.getImage(name).inspect();
  const loaded = await scene.load(await saveBusybox(name, unique()));
  const afterwards = await daemon?.docker.getImage(name).inspect();
  assert.equal(afterwards?.Id, before?.Id);
  assert.notEqual(loaded.id, before?.Id);
});

test('an image that came from an archive cannot be had by its name', { skip }, async (t) => {
  const scene = await aScene(t);
  const archive = await saveBusybox('any:name', unique());
  await scene.load(archive);
  const name = `taskyard-image:${createHash('sha256').update(archive).digest('hex')}`;
  assert.ok(await scene.has(name));
  await assert.rejects(scene.pull(name), /not an image of a registry/);
});

test('the same archive is loaded once, by tasks at the same time too, and fetched by each', {
  skip,
}, async (t) => {
  const scene = await aScene(t);
  const archive = await saveBusybox('any:name', unique());
  const all = await Promise.all([scene.load(archive), scene.load(archive), scene.load(archive)]);
  assert.equal(new Set(all.map(({ id }) => id)).size, 1);
  assert.equal(scene.lines.filter((line) => line.startsWith('Loading')).length, 1);
  assert.equal(scene.fetched.length, 3);
});

const archiveOf = async (entries: Readonly<Record<string, string>>): Promise<Buffer> => {
  const archive = pack();
  for (const [name, content] of Object.entries(entries)) archive.entry({ name }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
};

test('what is no archive of one image is refused with a reason', { skip }, async (t) => {
  const scene = await aScene(t);
  const image = { Config: 'c.json', Layers: [] };
  await assert.rejects(scene.load(await archiveOf({ 'a.txt': 'a' })), /no manifest\.json/);
  const two = await archiveOf({ 'manifest.json': JSON.stringify([image, image]) });
  await assert.rejects(scene.load(two), /holds 2 images, not one/);
  const whole = await saveBusybox('any:name', unique());
  await assert.rejects(scene.load(whole.subarray(0, whole.length / 2)));
  await assert.rejects(scene.load(gzipSync(whole).subarray(0, 100_000)));
  await assert.rejects(scene.load(Buffer.from('not an archive at all')));
});

test('images that no task uses are removed, the least recently used first', { skip }, async (t) => {
  const scene = await aScene(t);
  const provided: ProvidedImage[] = [];
  for (let number = 0; number < 3; number++) {
    provided.push(await scene.load(await saveBusybox('any:name', unique())));
    scene.pass(1);
  }
  const [first, second, third] = provided.map(({ id }) => id);
  const here = () => Promise.all([first, second, third].map((id) => scene.has(id ?? '')));
  assert.equal(await scene.images.evict(1e12), 0);
  provided[1]?.release();
  provided[2]?.release();
  assert.ok((await scene.images.evict(1)) > 0);
  assert.deepEqual(await here(), [true, false, true]);
  provided[0]?.release();
  provided[0]?.release();
  assert.ok((await scene.images.evict(1e12)) > 1_000_000);
  assert.deepEqual(await here(), [false, false, false]);
});

test('images from before the worker are not removed by it', { skip }, async (t) => {
  const scene = await aScene(t);
  const image = await scene.pull(daemon?.image ?? '');
  image.release();
  await scene.images.evict(1e12);
  assert.ok(await scene.has(daemon?.image ?? ''));
});

test('the next worker knows the images of an earlier one', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  await registry.put('tool:1', unique());
  const { id, release } = await scene.pull(`${registry.address}/tool:1`);
  assert.ok(existsSync(join(scene.directory, 'images.json')));
  assert.match(await readFile(join(scene.directory, 'images.json'), 'utf8'), new RegExp(id));
  const next = await aScene(t, scene);
  assert.equal(await next.images.evict(1e12), 0, 'the earlier one uses it still');
  release();
  await scene.images.evict(0);
  await next.images.evict(1e12);
  assert.equal(await next.has(id), false);
});

test('a task that ends before its image is there does not wait for it', { skip }, async (t) => {
  const scene = await aScene(t);
  const provide = scene.images.provide(
    { type: 'docker-image', name: '127.0.0.1:1/none:1' },
    {
      signal: AbortSignal.abort(new Error('the claim was lost')),
      report: () => undefined,
      fetch: () => Promise.reject(new Error('not asked for')),
    },
  );
  await assert.rejects(provide, /the claim was lost/);
});

test('a task that ends while its image is pulled ends the pull', { skip }, async (t) => {
  const [scene, registry] = [await aScene(t), await aRegistry(t)];
  await registry.put('tool:1', unique());
  registry.stall();
  const ending = new AbortController();
  const provide = scene.images.provide(
    { type: 'docker-image', name: `${registry.address}/tool:1` },
    {
      signal: ending.signal,
      report: () => undefined,
      fetch: () => Promise.reject(new Error('not asked for')),
    },
  );
  await eventually('the registry to be asked', () => registry.asked.length > 0);
  ending.abort(new Error('the claim was lost'));
  await assert.rejects(provide, /the claim was lost/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPayload } from './read-payload.ts';
import { noPrivileges, type Privileges } from './task-description.ts';

const taskId = 'AAAAAAAAQACAAAAAAAAAAA';
const features = { taskclusterProxy: true, chainOfTrust: true, resourceMonitor: true, interactive: false };
const context = {
  deadline: new Date('2030-01-02T00:00:00Z'),
  expires: new Date('2031-01-02T00:00:00Z'),
  dependencies: [],
  taskQueueId: 'test/worker',
  maxRunTimeSecondsMax: 3600,
  abilities: {
    containers: {
      refusals: ({ devices }: Privileges) =>
        devices.includes('kvm') ? ['this worker has no device kvm for its tasks'] : [],
    },
    features,
  },
};
const minimal = { image: 'debian:12', maxRunTime: 60 };
const read = (more: object = {}) => readPayload({ ...minimal, ...more }, context);
const errorsOf = (more: object): readonly string[] => read(more).errors ?? [];

test('the smallest payload has sensible defaults', () => {
  assert.deepEqual(read().description, {
    image: { type: 'docker-image', name: 'debian:12' },
    commands: [[]],
    environment: {},
    maxRunTimeSeconds: 60,
    artifacts: [],
    mounts: [],
    volumes: [],
    privileges: noPrivileges,
    requiredScopes: [],
    onExitStatus: { retry: [], purgeCaches: [] },
    logs: { live: 'public/logs/live.log', backing: 'public/logs/live_backing.log' },
    hasLiveLog: true,
    hasBackingLog: true,
    features: { taskclusterProxy: false, chainOfTrust: false, resourceMonitor: true, interactive: false },
    keepsFigures: false,
  });
});

test('an image may come from a registry, a task or the index', () => {
  const images = [
    { type: 'docker-image', name: 'debian:12' },
    { type: 'task-image', taskId, path: 'public/image.tar.zst' },
    { type: 'indexed-image', namespace: 'images.latest', path: 'public/image.tar.zst' },
  ];
  for (const image of images) assert.deepEqual(read({ image }).description?.image, image);
});

test('caches and volumes are directories of the task, which the container shows elsewhere', () => {
  const { description } = read({
    cache: { one: '/builds/one', two: '/builds/one/two/' },
    artifacts: {
      'public/v': { type: 'volume', path: '/out' },
      'public/inner': { type: 'file', path: '/builds/one/two/a.txt' },
      'public/beside': { type: 'file', path: '/builds/one-and-a-half' },
      'public/in-volume': { type: 'directory', path: '/out/deep', expires: '2030-06-01T00:00:00.000Z' },
      relative: { type: 'file', path: 'tmp/../etc/os-release' },
    },
  });
  assert.deepEqual(
    description?.mounts.map((mount) => mount.kind === 'cache' && [mount.cacheName, mount.directory]),
    [
      ['one', 'cache-0'],
      ['two', 'cache-1'],
    ],
  );
  assert.deepEqual(description?.volumes, [
    { directory: 'cache-0', path: '/builds/one' },
    { directory: 'cache-1', path: '/builds/one/two' },
    { directory: 'volume-0', path: '/out' },
  ]);
  assert.deepEqual(
    description?.artifacts.map(({ name, type, path }) => [name, type, path]),
    [
      ['public/v', 'directory', 'volume-0'],
      ['public/inner', 'file', 'cache-1/a.txt'],
      ['public/beside', 'file', '/builds/one-and-a-half'],
      ['public/in-volume', 'directory', 'volume-0/deep'],
      ['relative', 'file', '/etc/os-release'],
    ],
  );
  assert.ok(description?.artifacts.every(({ isOptional }) => isOptional));
  assert.deepEqual(description?.artifacts[3]?.expires, new Date('2030-06-01T00:00:00Z'));
});

test('privileges of a container need a scope, for all pools or for this one', () => {
  const { description } = read({
    cache: { c: '/c' },
    capabilities: {
      privileged: true,
      disableSeccomp: true,
      devices: { loopbackVideo: true, hostSharedMemory: true, loopbackAudio: false },
    },
    features: { allowPtrace: true },
  });
  assert.deepEqual(description?.privileges, {
    isPrivileged: true,
    mayTrace: true,
    mayCallAll: true,
    devices: ['loopbackVideo', 'hostSharedMemory'],
  });
  const capability = 'docker-worker:capability';
  assert.deepEqual(
    description?.requiredScopes.map(({ anyOf }) => anyOf),
    [
      ['docker-worker:cache:c'],
      [`${capability}:privileged`, `${capability}:privileged:test/worker`],
      [`${capability}:disableSeccomp`],
      [`${capability}:device:loopbackVideo`, `${capability}:device:loopbackVideo:test/worker`],
      [`${capability}:device:hostSharedMemory`, `${capability}:device:hostSharedMemory:test/worker`],
      ['docker-worker:feature:allowPtrace'],
    ],
  );
});

test('the log is kept beside the live one, under its name', () => {
  const backing = (log: string) => read({ log }).description?.logs.backing;
  assert.equal(backing('public/a.b/task.txt'), 'public/a.b/task_backing.txt');
  assert.equal(backing('public/task'), 'public/task_backing');
});

test('features are as the task wants them', () => {
  const one = read({
    features: { localLiveLog: false, bulkLog: false, taskclusterProxy: true, chainOfTrust: true },
    onExitStatus: { retry: [0, -1, 4], purgeCaches: [72] },
    command: ['', 'x'].slice(1),
    env: { A: 'b' },
    supersederUrl: 'anything',
  }).description;
  assert.deepEqual([one?.hasLiveLog, one?.hasBackingLog], [false, false]);
  assert.deepEqual(one?.features, { ...features, interactive: false });
  assert.deepEqual(one?.onExitStatus, { retry: [0, -1, 4], purgeCaches: [72] });
  assert.deepEqual(one?.commands, [['x']]);
});

test('a task without artifacts has no log either', () => {
  const one = read({
    features: { artifacts: false },
    artifacts: { a: { type: 'file', path: '/a' }, v: { type: 'volume', path: '/v' } },
  }).description;
  assert.deepEqual([one?.hasLiveLog, one?.hasBackingLog, one?.artifacts], [false, false, []]);
});

const mistakes: [string, object, RegExp][] = [
  ['an unknown field', { colour: 'red' }, /additional properties: colour/],
  ['an image without a name', { image: '' }, /payload\/image is empty/],
  ['an image of no kind', { image: { type: 'zip' } }, /payload\/image must be a name, or .*task-image/],
  ['an image that lacks a part', { image: { type: 'task-image', taskId } }, /payload\/image .*path/],
  ['an image with too much', { image: { type: 'docker-image', name: 'a', tag: 'b' } }, /\/image .*tag/],
  ['a command that is a list of commands', { command: [['true']] }, /payload\/command\/0 must be string/],
  ['a command with an empty program', { command: [''] }, /payload\/command has an empty program/],
  ['a variable with an equals sign', { env: { 'A=B': 'c' } }, /"A=B" cannot be/],
  ['more time than the worker gives', { maxRunTime: 3601 }, /maxRunTime is 3601 s/],
  ['a relative cache', { cache: { c: 'a/b' } }, /payload\/cache\/c must be an absolute path/],
  ['a cache at the root', { cache: { c: '/a/..' } }, /payload\/cache\/c must be an absolute path/],
  ['a cache at a path with a colon', { cache: { c: '/a:ro' } }, /payload\/cache\/c must be/],
  ['a cache without a name', { cache: { '': '/a' } }, /a cache without a name/],
  ['two caches in one place', { cache: { a: '/x', b: '/x/' } }, /more than one cache or volume for \/x/],
  [
    'a volume in the place of a cache',
    { cache: { a: '/x' }, artifacts: { b: { type: 'volume', path: '/x' } } },
    /more than one cache or volume for \/x/,
  ],
  ['a relative volume', { artifacts: { v: { type: 'volume', path: 'x' } } }, /artifacts\/v\/path must be/],
  [
    'an artifact of an unknown type',
    { artifacts: { a: { type: 'link', path: '/x' } } },
    /artifacts\/a\/type/,
  ],
  [
    'an artifact with a name of tabs',
    { artifacts: { '\t': { type: 'file', path: '/x' } } },
    /printable ASCII/,
  ],
  [
    'an artifact that outlives its task',
    { artifacts: { a: { type: 'file', path: '/x', expires: '2032-01-01T00:00:00Z' } } },
    /artifacts\/a\/expires must lie between/,
  ],
  [
    'an artifact in the place of the log',
    { artifacts: { 'public/logs/live_backing.log': { type: 'file', path: '/x' } } },
    /name of the task's log/,
  ],
  [
    'an artifact in the place of its own certificate',
    {
      features: { chainOfTrust: true },
      artifacts: { 'public/chain-of-trust.json': { type: 'file', path: '/x' } },
    },
    /is a name of the chain of trust/,
  ],
  ['Docker in Docker', { features: { dind: true } }, /features\/dind is true, .*privileged/],
  ['the saving of a container', { features: { dockerSave: true } }, /features\/dockerSave is true/],
  ['a feature of old times', { features: { balrogVPNProxy: true } }, /balrogVPNProxy \(no worker has it/],
  ['a secret of old times', { encryptedEnv: ['x'] }, /encryptedEnv \(no worker reads it.*secrets/],
  ['a log with a name that no artifact has', { log: 'public/ü.log' }, /payload\/log: .*printable ASCII/],
  ['a feature that the worker lacks', { features: { interactive: true } }, /features\/interactive is true/],
  ['a device that the worker lacks', { capabilities: { devices: { kvm: true } } }, /no device kvm/],
  ['an unknown capability', { capabilities: { root: true } }, /capabilities .*root/],
  ['an unknown device', { capabilities: { devices: { gpu: true } } }, /devices .*gpu/],
];
for (const [name, more, message] of mistakes) {
  test(`${name} is refused`, () => {
    const errors = errorsOf(more);
    assert.ok(
      errors.some((error) => message.test(error)),
      `none of these: ${JSON.stringify(errors)}`,
    );
  });
}

test('old features are accepted as they were by default', () => {
  assert.equal(read({ features: { dind: false, dockerSave: false } }).errors, undefined);
});

test('mistakes of all kinds are told together', () => {
  const errors = errorsOf({
    colour: 'red',
    env: { 'A=B': 'c', C: 1 },
    maxRunTime: 3601,
    cache: { c: 'a' },
    features: { interactive: true },
  }).join('\n');
  for (const one of [/colour/, /env\/C/, /maxRunTime is 3601/, /cache\/c must be/, /interactive is true/])
    assert.match(errors, one);
});

test('a worker without containers refuses every image', () => {
  const without = { ...context, abilities: { containers: undefined, features } };
  assert.match(
    readPayload(minimal, without).errors?.join() ?? '',
    /docker-worker payload, but this worker has no container engine/,
  );
});

test('fields of the format decide which format a payload is of', () => {
  assert.match(readPayload({ cache: {}, maxRunTime: 1 }, context).errors?.join() ?? '', /'image'/);
  assert.match(readPayload({ maxRunTime: 1 }, context).errors?.join() ?? '', /'command'/);
});

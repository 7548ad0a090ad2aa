import assert from 'node:assert/strict';
import { test } from 'node:test';
import { genericWorkerReader } from './read-generic-worker.ts';
import { noPrivileges } from './task-description.ts';

const taskId = 'AAAAAAAAQACAAAAAAAAAAA';
const features = { taskclusterProxy: true, chainOfTrust: false, resourceMonitor: true, interactive: false };
const context = {
  deadline: new Date('2030-01-02T00:00:00Z'),
  expires: new Date('2031-01-02T00:00:00Z'),
  dependencies: [taskId],
  taskQueueId: 'test/worker',
  maxRunTimeSecondsMax: 3600,
  abilities: { containers: undefined, features },
};
const minimal = { command: [['true']], maxRunTime: 60 };
const read = (more: object = {}) => genericWorkerReader.read({ ...minimal, ...more }, context);
const errorsOf = (more: object): readonly string[] => read(more).errors ?? [];

test('the smallest payload has sensible defaults', () => {
  assert.deepEqual(read().description, {
    image: undefined,
    commands: [['true']],
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

const sha256 = 'a'.repeat(64);

/** Every field that is supported. */
const full = {
  env: { A: 'b' },
  artifacts: [
    { type: 'file', path: 'a/b.txt' },
    {
      type: 'directory',
      path: 'd',
      name: 'public/d',
      expires: '2030-06-01T00:00:00.000Z',
      contentType: 'text/x',
      contentEncoding: 'identity',
      optional: true,
    },
  ],
  mounts: [
    { cacheName: 'c', directory: 'caches/c' },
    { cacheName: 'p', directory: 'caches/p', content: { raw: 'x' }, format: 'zip' },
    { directory: 'r', content: { url: 'https://example.com/x.tar.gz', sha256 }, format: 'tar.gz' },
    { file: 'f', content: { taskId, artifact: 'public/f', sha256 } },
    { file: 'g', content: { base64: 'aGk=' }, format: 'gz' },
    { file: 'h', content: { namespace: 'app.latest', artifact: 'public/h' } },
  ],
  onExitStatus: { retry: [4], purgeCaches: [0, 5] },
  logs: { live: 'public/l', backing: 'public/b' },
  features: { liveLog: false, backingLog: true, taskclusterProxy: true, resourceMonitor: false },
  osGroups: [],
  supersederUrl: 'https://example.com',
  taskclusterProxyInterface: 'localhost',
};

test('a payload with every supported field is described', () => {
  const { description, errors } = read(full);
  assert.equal(errors, undefined);
  assert.deepEqual(description?.artifacts, [
    {
      type: 'file',
      path: 'a/b.txt',
      name: 'a/b.txt',
      expires: context.expires,
      contentType: undefined,
      contentEncoding: undefined,
      isOptional: false,
    },
    {
      type: 'directory',
      path: 'd',
      name: 'public/d',
      expires: new Date('2030-06-01T00:00:00Z'),
      contentType: 'text/x',
      contentEncoding: 'identity',
      isOptional: true,
    },
  ]);
  assert.deepEqual(
    description?.mounts.map(({ kind }) => kind),
    ['cache', 'cache', 'directory', 'file', 'file', 'file'],
  );
  assert.deepEqual(description?.mounts[3], {
    kind: 'file',
    file: 'f',
    content: { kind: 'artifact', taskId, artifact: 'public/f', sha256 },
    compression: undefined,
  });
  assert.deepEqual(description?.mounts[5], {
    kind: 'file',
    file: 'h',
    content: { kind: 'indexed', namespace: 'app.latest', artifact: 'public/h' },
    compression: undefined,
  });
  assert.equal(description?.hasLiveLog, false);
  assert.deepEqual(description?.features, { ...features, resourceMonitor: false });
  assert.deepEqual(
    description?.requiredScopes.map(({ anyOf }) => anyOf),
    [['generic-worker:cache:c'], ['generic-worker:cache:p']],
  );
  assert.deepEqual(description?.logs, { live: 'public/l', backing: 'public/b' });
});

const mistakes: [string, object, RegExp][] = [
  ['an unknown field', { colour: 'red' }, /additional properties: colour/],
  ['no command', { command: [] }, /payload\/command /],
  ['a command that is a line of text', { command: ['echo hello'] }, /payload\/command\/0 must be array/],
  ['a command without a program', { command: [[]] }, /payload\/command\/0 /],
  ['a command with an empty program', { command: [['']] }, /payload\/command\/0 has an empty program/],
  ['an argument with a zero byte', { command: [['a', 'b\0']] }, /zero byte/],
  ['a variable with an equals sign', { env: { 'A=B': 'c' } }, /"A=B" cannot be an environment variable/],
  ['a variable that is a number', { env: { A: 1 } }, /payload\/env\/A must be string/],
  ['no time to run', { maxRunTime: 0 }, /payload\/maxRunTime must be >= 1/],
  ['half a second', { maxRunTime: 1.5 }, /payload\/maxRunTime must be integer/],
  [
    'more time than the worker gives',
    { maxRunTime: 3601 },
    /maxRunTime is 3601 s, but tasks may run for 3600 s/,
  ],
  ['an artifact of an unknown type', { artifacts: [{ type: 'volume', path: 'x' }] }, /artifacts\/0\/type/],
  ['an artifact without a path', { artifacts: [{ type: 'file' }] }, /artifacts\/0 .*path/],
  [
    'an artifact elsewhere',
    { artifacts: [{ type: 'file', path: '/etc/passwd' }] },
    /artifacts\/0\/path: \/etc\/passwd must lie inside/,
  ],
  [
    'an artifact above',
    { artifacts: [{ type: 'file', path: 'a/../../b' }] },
    /artifacts\/0\/path must lie inside/,
  ],
  [
    'an artifact that outlives its task',
    { artifacts: [{ type: 'file', path: 'a', expires: '2032-01-01T00:00:00Z' }] },
    /artifacts\/0\/expires must lie between/,
  ],
  [
    'an artifact that is gone before the deadline',
    { artifacts: [{ type: 'file', path: 'a', expires: '2029-01-01T00:00:00Z' }] },
    /artifacts\/0\/expires must lie between/,
  ],
  [
    'an artifact that expires on no day',
    { artifacts: [{ type: 'file', path: 'a', expires: 'tomorrow' }] },
    /artifacts\/0\/expires .*date-time/,
  ],
  [
    'an artifact in the place of the log',
    { artifacts: [{ type: 'file', path: 'a', name: 'public/logs/live.log' }] },
    /name of the task's log/,
  ],
  ['an unknown feature', { features: { magic: true } }, /features .*magic/],
  ['a feature that is not there', { features: { chainOfTrust: true } }, /features\/chainOfTrust is true/],
  [
    'a proxy on the bridge of docker',
    { features: { taskclusterProxy: true }, taskclusterProxyInterface: 'docker-bridge' },
    /taskclusterProxyInterface is docker-bridge/,
  ],
  ['a field of Windows', { rdpInfo: 'public/rdp.json' }, /rdpInfo \(only workers on Windows/],
  ['a feature of Windows', { features: { hideCmdWindow: true } }, /hideCmdWindow \(only workers on Windows/],
  ['groups of the system', { osGroups: ['docker'] }, /osGroups/],
  ['a code to retry that means success', { onExitStatus: { retry: [0] } }, /onExitStatus\/retry\/0/],
  [
    'a mount of nothing',
    { mounts: [{}] },
    /mounts\/0 must have one of the properties cacheName, directory, file/,
  ],
  ['a mount that is no object', { mounts: ['x'] }, /mounts\/0 must be object/],
  ['a directory without content', { mounts: [{ directory: 'd' }] }, /mounts\/0 .*content/],
  ['a cache without a directory', { mounts: [{ cacheName: 'c' }] }, /mounts\/0 .*directory/],
  [
    'a cache with content of no format',
    { mounts: [{ cacheName: 'c', directory: 'd', content: { raw: '' } }] },
    /format/,
  ],
  ['content of no kind', { mounts: [{ file: 'f', content: {} }] }, /mounts\/0\/content must have one of/],
  [
    'content of two kinds',
    { mounts: [{ file: 'f', content: { raw: '', url: 'http://x/' } }] },
    /content .*raw/,
  ],
  ['a mount above', { mounts: [{ file: '../f', content: { raw: '' } }] }, /mounts\/0\/file must lie inside/],
  ['a cache on the directory itself', { mounts: [{ cacheName: 'c', directory: './' }] }, /must lie inside/],
  ['a file on the directory itself', { mounts: [{ file: '.', content: { raw: '' } }] }, /must lie inside/],
  [
    'two mounts in one place',
    {
      mounts: [
        { file: 'f', content: { raw: '' } },
        { file: './f', content: { raw: '' } },
      ],
    },
    /more than one mount for f/,
  ],
  [
    'a cache in two places',
    {
      mounts: [
        { cacheName: 'c', directory: 'a' },
        { cacheName: 'c', directory: 'b' },
      ],
    },
    /the cache c is mounted more than once/,
  ],
  [
    'an archive of an unknown format',
    { mounts: [{ directory: 'd', content: { raw: '' }, format: 'arj' }] },
    /format/,
  ],
  [
    'an archive of a format that is not unpacked here',
    { mounts: [{ directory: 'd', content: { raw: '' }, format: 'rar' }] },
    /mounts\/0\/format: this worker unpacks tar, .* not rar/,
  ],
  [
    'an artifact of a task that is no dependency',
    { mounts: [{ file: 'f', content: { taskId: 'BBBBBBBBQACAAAAAAAAAAA', artifact: 'a' } }] },
    /must depend on BBBBBBBBQACAAAAAAAAAAA/,
  ],
  [
    'content of the index with a hash, which nobody could know',
    { mounts: [{ file: 'f', content: { namespace: 'a', artifact: 'b', sha256: 'a'.repeat(64) } }] },
    /sha256/,
  ],
  [
    'content of a file URL',
    { mounts: [{ file: 'f', content: { url: 'file:///etc/passwd' } }] },
    /http or https/,
  ],
  [
    'a hash that is none',
    { mounts: [{ file: 'f', content: { url: 'http://x/', sha256: 'abc' } }] },
    /sha256/,
  ],
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

test('a file may have the name of a log that is not uploaded', () => {
  const artifacts = [{ type: 'file', path: 'public/logs/live.log' }];
  assert.equal(read({ artifacts, features: { liveLog: false } }).errors, undefined);
  assert.match(errorsOf({ artifacts, features: { backingLog: false } }).join(), /task's log/);
});

test('mistakes of shape hide no others', () => {
  const errors = errorsOf({
    command: 'true',
    colour: 'red',
    maxRunTime: 3601,
    osGroups: ['docker'],
    mounts: [{ file: '../f', content: { raw: '' } }],
  }).join('\n');
  for (const one of [/command/, /colour/, /maxRunTime is 3601/, /osGroups/, /mounts\/0\/file must lie/])
    assert.match(errors, one);
});

test('all errors of one payload are listed together', () => {
  const errors = errorsOf({
    maxRunTime: 9999,
    features: { interactive: true },
    mounts: [{ file: '/f', content: { raw: '' } }],
  });
  assert.equal(errors.length, 3);
});

test('a payload that is no object is refused', () => {
  for (const payload of [undefined, null, 'x', 3, []]) {
    assert.ok((genericWorkerReader.read(payload, context).errors ?? []).length > 0);
  }
});

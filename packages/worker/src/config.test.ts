import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings, readWorkerConfig, WorkerConfigError } from './config.ts';
import type { WorkerConfig } from './config-schema.ts';

const least = {
  TASKCLUSTER_ROOT_URL: 'http://127.0.0.1:8080',
  TASKCLUSTER_CLIENT_ID: 'me',
  TASKCLUSTER_ACCESS_TOKEN: 'secret',
  TASKYARD_WORKER_TASK_QUEUE_ID: 'a/b',
};

test('only the server, the credentials and the queue are required', () => {
  const options = readWorkerConfig({}, least);
  assert.equal(options.taskQueueId, 'a/b');
  assert.deepEqual(options.credentials, { clientId: 'me', accessToken: 'secret', certificate: undefined });
  assert.deepEqual([options.capacity, options.engine, options.workerGroup], [1, 'auto', 'local']);
});

test('flags override the environment', () => {
  const environment = { ...least, TASKYARD_WORKER_CAPACITY: '4', TASKYARD_WORKER_READ_ONLY_PATHS: '/a:/b' };
  const options = readWorkerConfig({ taskQueueId: 'c/d', workerId: undefined as never }, environment);
  assert.deepEqual([options.taskQueueId, options.capacity, options.readOnlyPaths], ['c/d', 4, ['/a', '/b']]);
});

test('all mistakes are reported together, without the secret', () => {
  const environment = {
    TASKCLUSTER_ROOT_URL: 'example.com',
    TASKCLUSTER_ACCESS_TOKEN: 'secret',
    TASKYARD_WORKER_CAPACITY: 'many',
    TASKYARD_WORKER_ENGINE: 'steam',
    TASKYARD_WORKER_ISOLATE_NETWORK: 'perhaps',
  };
  assert.throws(
    () => readWorkerConfig({}, environment),
    (error: WorkerConfigError) => {
      assert.ok(error instanceof WorkerConfigError);
      const names = error.mistakes.map((mistake) => mistake.split(' ')[0]).sort();
      assert.deepEqual(names, ['capacity', 'clientId', 'engine', 'isolateNetwork', 'rootUrl', 'taskQueueId']);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    },
  );
});

test('a mistake says what the setting must be', () => {
  const wrong: [string, string, RegExp][] = [
    ['TASKYARD_WORKER_CAPACITY', '300', /capacity \(\S+\) must be a whole number from 1 to 255\./],
    ['TASKYARD_WORKER_ENGINE', 'steam', /engine \(\S+\) must be one of auto, process, bubblewrap, docker\./],
    ['TASKYARD_WORKER_ISOLATE_NETWORK', 'maybe', /isolateNetwork \(\S+\) must be true or false\./],
    [
      'TASKYARD_WORKER_TASK_QUEUE_ID',
      'linux',
      /must be two names with a slash between them, as in team\/linux\./,
    ],
    ['TASKYARD_WORKER_ID', 'a b', /workerId \(\S+\) must be up to 38 letters, digits, - and _\./],
    ['TASKYARD_WORKER_CONTAINER_CPUS', '0', /must be a number above 0, and at most 1024\./],
    ['TASKYARD_WORKER_CONTAINER_CAPABILITIES', 'all', /must be a list of privileged, /],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', /must be an http:\/\/ or https:\/\/ URL\./],
  ];
  for (const [env, value, message] of wrong)
    assert.throws(() => readWorkerConfig({}, { ...least, [env]: value }), { message });
});

test('containers have the configured limits, and none by default', () => {
  const own = {
    TASKCLUSTER_ROOT_URL: 'https://tc.example.com',
    TASKCLUSTER_CLIENT_ID: 'worker',
    TASKCLUSTER_ACCESS_TOKEN: 'secret',
    TASKYARD_WORKER_TASK_QUEUE_ID: 'pool/worker',
  };
  const { containers: plain } = readWorkerConfig({}, own);
  assert.deepEqual([plain?.host, plain?.network], ['unix:///var/run/docker.sock', 'task']);
  assert.deepEqual([plain?.memoryMiB, plain?.cpus, plain?.pidsMax, plain?.image], Array(4).fill(undefined));
  assert.ok(plain?.capabilities?.includes('privileged'));
  const { containers } = readWorkerConfig(
    { engine: 'docker' },
    {
      ...own,
      DOCKER_HOST: 'tcp://127.0.0.1:2375',
      TASKYARD_WORKER_CONTAINER_IMAGE: 'debian:12',
      TASKYARD_WORKER_CONTAINER_NETWORK: 'none',
      TASKYARD_WORKER_CONTAINER_MEMORY: '512',
      TASKYARD_WORKER_CONTAINER_CPUS: '1.5',
      TASKYARD_WORKER_CONTAINER_PIDS: '100',
      TASKYARD_WORKER_CONTAINER_CAPABILITIES: 'kvm:allowPtrace',
    },
  );
  assert.deepEqual(containers, {
    host: 'tcp://127.0.0.1:2375',
    image: 'debian:12',
    network: 'none',
    memoryMiB: 512,
    cpus: 1.5,
    pidsMax: 100,
    capabilities: ['kvm', 'allowPtrace'],
  });
  const wrong = { ...own, TASKYARD_WORKER_CONTAINER_CAPABILITIES: 'everything', DOCKER_HOST: 'ssh://x' };
  assert.throws(
    () => readWorkerConfig({}, wrong),
    /CAPABILITIES(.|\n)*DOCKER_HOST|DOCKER_HOST(.|\n)*CAPABILITIES/,
  );
});

test('a pool sets what it likes, but what the file of the machine says of isolation stands', () => {
  const file = {
    engine: 'bubblewrap',
    readOnlyPaths: ['/srv/tools'],
    hiddenPaths: ['/srv/tools/keys'],
    isolateNetwork: true,
    capacity: 1,
  };
  const pool = {
    engine: 'process',
    readOnlyPaths: ['/'],
    hiddenPaths: [],
    isolateNetwork: false,
    capacity: 7,
    killGraceSeconds: 3,
  } satisfies Partial<WorkerConfig>;
  const config = readSettings({ file, pool, environment: {} }, [
    'rootUrl',
    'taskQueueId',
    'clientId',
    'accessToken',
  ]);
  assert.deepEqual(
    [config.engine, config.readOnlyPaths, config.hiddenPaths, config.isolateNetwork],
    [file.engine, file.readOnlyPaths, file.hiddenPaths, true],
  );
  assert.deepEqual([config.capacity, config.killGraceSeconds], [7, 3]);
});

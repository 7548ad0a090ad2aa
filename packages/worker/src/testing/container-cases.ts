import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { pathsOfDevice } from '../engines/docker/container-spec.ts';
import type { ContainerDaemon } from './container-daemon.ts';
import type { FakeQueue } from './fake-queue.ts';
import { addCompleted } from './mount-cases.ts';
import { completed, type Expectation, failed, malformed, type PayloadCase } from './payload-case.ts';
import { saveBusybox } from './saved-image.ts';

const noImages = 'this engine has no containers';
const onlyDocker = { process: noImages, bubblewrap: noImages };

interface Given {
  readonly queue: FakeQueue;
  readonly daemon: ContainerDaemon | undefined;
}

/** A payload of the docker-worker format that runs a script in an image. */
const inImage = (image: unknown, script: string, more: Record<string, unknown> = {}) => ({
  image,
  command: ['/bin/sh', '-c', script],
  maxRunTime: 300,
  ...more,
});

const archivesOf = async () => {
  const archive = await saveBusybox('debian:12', {
    files: { 'etc/whoami': 'from an artifact\n' },
    config: { Cmd: ['cat', '/etc/whoami'] },
  });
  return {
    'public/image.tar': archive,
    'public/image.tar.gz': gzipSync(archive),
    'public/image.tar.zst': execFileSync('zstd', ['-c'], { input: archive, maxBuffer: 1e8 }),
    'public/image.tar.lz4': execFileSync('lz4', ['-c'], { input: archive, maxBuffer: 1e8 }),
    'public/broken.tar': archive.subarray(0, 100_000),
  };
};

/** Images of all kinds. */
const imageCases = async ({ queue, daemon }: Given): Promise<PayloadCase[]> => {
  const here = daemon?.image;
  const taskId = addCompleted(queue, await archivesOf());
  queue.indexed.set('image.path', taskId);
  const task = { dependencies: [taskId] };
  const fromArtifact = { ...completed, log: /^from an artifact$/m };
  const loaded = (name: string, image: object, expected: Expectation = fromArtifact): PayloadCase => ({
    name,
    payload: { image, maxRunTime: 300 },
    task,
    expected,
    not: onlyDocker,
  });
  const run = (name: string, image: unknown, expected: Expectation): PayloadCase => ({
    name,
    payload: inImage(image, 'echo inside'),
    expected,
    not: onlyDocker,
  });
  const inside = { ...completed, log: /^inside$/m };
  return [
    run('an image has a name', here, inside),
    run('an image has a name, and a type', { type: 'docker-image', name: here }, inside),
    // Nothing is said of the image, so it is no mistake of the task.
    run('an image whose registry cannot be reached is tried elsewhere', '127.0.0.1:1/none:1', {
      state: 'exception',
      reason: 'resource-unavailable',
      log: /\[image\]/,
    }),
    run('an image of an unknown type is malformed', { type: 'floppy' }, malformed(/image/)),
    ...['tar', 'tar.gz', 'tar.zst', 'tar.lz4'].map((format) =>
      loaded(`an image is a task's artifact, as ${format}`, {
        type: 'task-image',
        taskId,
        path: `public/image.${format}`,
      }),
    ),
    loaded('an image is of a task that stands at a path', {
      type: 'indexed-image',
      namespace: 'image.path',
      path: 'public/image.tar',
    }),
    loaded(
      'an image that is not there fails the task',
      { type: 'task-image', taskId, path: 'public/none.tar' },
      { ...failed, log: /\[image\]/ },
    ),
    loaded(
      'an image that breaks off fails the task',
      { type: 'task-image', taskId, path: 'public/broken.tar' },
      { ...failed, log: /\[image\]/ },
    ),
  ];
};

/** Makes a case from a script and fields of the payload. */
const caseIn =
  (image: string | undefined) =>
  (
    name: string,
    [script, more]: readonly [string, Record<string, unknown>?],
    rest: Pick<PayloadCase, 'expected'> & Partial<PayloadCase>,
  ): PayloadCase => ({
    name,
    payload: inImage(image, script, more),
    not: onlyDocker,
    ...rest,
  });

const scope = (...scopes: string[]) => ({ task: { scopes } });
const pool = ':test/worker';

const artifacts = {
  'public/f': { type: 'file', path: '/out/f' },
  'public/d': { type: 'directory', path: '/out' },
  'public/v': { type: 'volume', path: '/v' },
  'public/none': { type: 'file', path: '/none' },
};

/** How commands run and end. */
const commandCases = ({ daemon }: Given): PayloadCase[] => {
  const one = caseIn(daemon?.image);
  return [
    one('variables are set', ['echo "<$A>"', { env: { A: 'two words' } }], {
      expected: { ...completed, log: /^<two words>$/m },
    }),
    one("a container tells nothing of the worker's places", ['env'], {
      expected: { ...completed, log: /^TASK_ID=/m, notInLog: /TASK_WORKDIR|taskyard-cases/ },
    }),
    one('a command has a terminal', ['test -t 0 && test -t 1 && echo terminal'], {
      expected: { ...completed, log: /^terminal$/m },
    }),
    one('an exit code fails the task', ['exit 9'], { expected: { ...failed, log: /Exit code 9/ } }),
    one('a task that takes too long fails', ['sleep 1000', { maxRunTime: 2 }], {
      expected: { ...failed, log: /maxRunTime/ },
    }),
    one('an exit code to try again', ['exit 7', { onExitStatus: { retry: [7] } }], {
      expected: { state: 'exception', reason: 'intermittent-task' },
    }),
    one('an unknown field is malformed', ['true', { unheard: 1 }], {
      expected: malformed(/unheard/),
    }),
  ];
};

/** Caches, and what a command leaves: artifacts and a log. */
const leftCases = ({ daemon }: Given): PayloadCase[] => {
  const one = caseIn(daemon?.image);
  return [
    one(
      'files, directories and volumes become artifacts, and what is missing fails nothing',
      ['mkdir /out; echo 1 > /out/f; echo 2 > /v/g', { artifacts }],
      {
        expected: {
          ...completed,
          artifacts: { 'public/f': /^1\n$/, 'public/d/f': /^1\n$/, 'public/v/g': /^2\n$/ },
        },
      },
    ),
    one(
      'a cache is mounted where the payload says',
      ['echo x > /c/d/f && echo kept', { cache: { c: '/c/d' } }],
      {
        ...scope('docker-worker:cache:c'),
        expected: { ...completed, log: /^kept$/m },
      },
    ),
    one('a cache without its scope is malformed', ['true', { cache: { c: '/c' } }], {
      expected: malformed(/docker-worker:cache:c/),
    }),
    one('a log has the name that the payload gives it', ['echo x', { log: 'public/my.log' }], {
      expected: {
        ...completed,
        artifacts: {
          'public/my.log': { artifact: 'public/my_backing.log' },
          'public/my_backing.log': /^x$/m,
        },
      },
    }),
    one('without artifacts there is no log', ['echo x', { features: { artifacts: false } }], {
      expected: { ...completed, artifacts: { 'public/logs/live.log': null } },
    }),
    one(
      'a proxy is called taskcluster',
      ['echo "$TASKCLUSTER_PROXY_URL"', { features: { taskclusterProxy: true } }],
      {
        expected: { ...completed, log: /^http:\/\/taskcluster/m },
      },
    ),
  ];
};

/** Features and capabilities, and the scopes for them. */
const capabilityCases = ({ daemon }: Given): PayloadCase[] => {
  const one = caseIn(daemon?.image);
  return [
    one('tracing needs its scope', ['true', { features: { allowPtrace: true } }], {
      expected: malformed(/docker-worker:feature:allowPtrace/),
    }),
    one('tracing is allowed by its scope', ['true', { features: { allowPtrace: true } }], {
      ...scope('docker-worker:feature:allowPtrace'),
      expected: completed,
    }),
    one(
      'all system calls are allowed by their scope',
      ['grep Seccomp: /proc/self/status', { capabilities: { disableSeccomp: true } }],
      {
        ...scope('docker-worker:capability:disableSeccomp'),
        expected: { ...completed, log: /Seccomp:\s+0/ },
      },
    ),
    one('a privileged container needs its scope', ['true', { capabilities: { privileged: true } }], {
      expected: malformed(/docker-worker:capability:privileged/),
    }),
    one(
      'shared memory is allowed for one pool',
      ['ls -d /dev/shm', { capabilities: { devices: { hostSharedMemory: true } } }],
      {
        ...scope(`docker-worker:capability:device:hostSharedMemory${pool}`),
        expected: { ...completed, log: /^\/dev\/shm$/m },
      },
    ),
    one(
      'a device is there, or the worker says that it has none',
      ['ls /dev/kvm', { capabilities: { devices: { kvm: true } } }],
      {
        ...scope(`docker-worker:capability:device:kvm${pool}`),
        expected: pathsOfDevice('kvm').length > 0 ? completed : malformed(/no device for kvm/),
      },
    ),
  ];
};

/** Payloads of the docker-worker format. Engines without containers refuse them, which is a case of its own. */
export const containerCases = async (given: Given): Promise<PayloadCase[]> => [
  ...(await imageCases(given)),
  ...commandCases(given),
  ...leftCases(given),
  ...capabilityCases(given),
  {
    name: 'an image is refused by a worker without containers',
    payload: inImage('debian:12', 'true'),
    expected: malformed(/docker-worker payload, but this worker has no container engine/),
    not: { docker: 'this engine has containers' },
  },
];

import { type Static, Type } from 'typebox';
import { containerCapabilities, containerNetworks, engineChoices } from './engines/index.ts';
import { identifier, optionalUrl, paths, setting, whole } from './setting-shapes.ts';

/** How a worker gets its credentials: it has them, or worker-manager issues them. */
export const providerKinds = ['none', 'static', 'aws'] as const;

/** All settings of a standalone worker. */
export const WorkerConfig = Type.Object({
  rootUrl: Type.String({
    pattern: '^https?://[^/]+/?$',
    ...setting(
      'TASKCLUSTER_ROOT_URL',
      'The server: https://host, without a path.',
      'an http:// or https:// URL without a path',
    ),
  }),
  clientId: Type.Optional(
    Type.String({
      minLength: 1,
      ...setting('TASKCLUSTER_CLIENT_ID', 'The client that the worker is. Not for a worker that registers.'),
    }),
  ),
  accessToken: Type.Optional(
    Type.String({ minLength: 1, ...setting('TASKCLUSTER_ACCESS_TOKEN', 'Proves it. Never logged.') }),
  ),
  certificate: Type.Optional(
    Type.String(setting('TASKCLUSTER_CERTIFICATE', 'Comes with temporary credentials only.')),
  ),
  taskQueueId: Type.String({
    pattern: '^[a-zA-Z0-9-_]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$',
    ...setting(
      'TASKYARD_WORKER_TASK_QUEUE_ID',
      'The queue to take tasks from: provisioner/worker-type.',
      'two names with a slash between them, as in team/linux',
    ),
  }),
  workerGroup: identifier('TASKYARD_WORKER_GROUP', 'Where the worker is.'),
  workerId: identifier(
    'TASKYARD_WORKER_ID',
    'Which worker of the group it is. Default: the name of this machine.',
  ),
  provider: Type.Enum(
    [...providerKinds],
    setting(
      'TASKYARD_WORKER_PROVIDER',
      'How the worker registers: not at all (none), by a secret (static), or as an instance of EC2 (aws).',
    ),
  ),
  providerId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 38,
      ...setting('TASKYARD_WORKER_PROVIDER_ID', 'The provider of its pool, for a worker of kind static.'),
    }),
  ),
  staticSecret: Type.Optional(
    Type.String({
      pattern: '^[a-zA-Z0-9_-]{44}$',
      ...setting(
        'TASKYARD_WORKER_STATIC_SECRET',
        'What such a worker proves itself with. Never logged.',
        '44 letters, digits, - and _',
      ),
    }),
  ),
  metadataEndpoint: Type.String({
    pattern: '^https?://.+',
    ...setting(
      'AWS_EC2_METADATA_SERVICE_ENDPOINT',
      'Where an instance of EC2 finds its metadata.',
      'an http:// or https:// URL',
    ),
  }),
  isOnEc2: Type.Boolean(
    setting(
      'TASKYARD_WORKER_ON_EC2',
      'Watch for the notice of EC2 that it takes the machine back. Always done by workers of kind aws.',
    ),
  ),
  capacity: whole('TASKYARD_WORKER_CAPACITY', 'Tasks at a time.', { minimum: 1, maximum: 255 }),
  workDir: Type.String({
    minLength: 1,
    ...setting('TASKYARD_WORKER_DIR', "Folder for tasks' directories, caches and downloads."),
  }),
  engine: Type.Enum([...engineChoices], setting('TASKYARD_WORKER_ENGINE', 'How commands are kept apart.')),
  idleTimeoutSeconds: Type.Optional(
    whole('TASKYARD_WORKER_IDLE_TIMEOUT', 'Leave after this many seconds without a task. Default: never.', {
      minimum: 1,
    }),
  ),
  lifetimeSecondsMax: Type.Optional(
    whole(
      'TASKYARD_WORKER_LIFETIME',
      'Claim nothing after this many seconds, and leave when the tasks have ended. Default: never.',
      { minimum: 1 },
    ),
  ),
  shutdownGraceSeconds: whole(
    'TASKYARD_WORKER_SHUTDOWN_GRACE',
    'How long running tasks may go on after SIGTERM.',
  ),
  killGraceSeconds: whole('TASKYARD_WORKER_KILL_GRACE', 'Seconds between SIGTERM and SIGKILL for a task.'),
  maxRunTimeSecondsMax: whole(
    'TASKYARD_WORKER_MAX_RUN_TIME',
    'The longest maxRunTime that a task may ask for.',
    {
      minimum: 1,
    },
  ),
  readOnlyPaths: paths('TASKYARD_WORKER_READ_ONLY_PATHS', 'Shown to sandboxed tasks beside the system.'),
  hiddenPaths: paths('TASKYARD_WORKER_HIDDEN_PATHS', 'Hidden from them inside those.'),
  isolateNetwork: Type.Boolean(setting('TASKYARD_WORKER_ISOLATE_NETWORK', 'Sandboxed tasks get no network.')),
  path: Type.String({ minLength: 1, ...setting('TASKYARD_WORKER_PATH', "The tasks' PATH.") }),
  location: Type.Optional(
    Type.String({
      pattern: '^\\{.*\\}$',
      ...setting(
        'TASKYARD_WORKER_LOCATION',
        'Shown to tasks: JSON with cloud, region, availabilityZone.',
        'a JSON object',
      ),
    }),
  ),
  instanceType: Type.Optional(
    Type.String({
      minLength: 1,
      ...setting('TASKYARD_WORKER_INSTANCE_TYPE', 'Shown to tasks: the kind of machine.'),
    }),
  ),
  allowPrivateUrls: Type.Boolean(
    setting('TASKYARD_WORKER_ALLOW_PRIVATE_URLS', 'Sandboxed tasks may mount URLs of private addresses.'),
  ),
  liveLogAddress: Type.Optional(
    Type.String({
      pattern: '^[a-zA-Z0-9.:-]+$',
      ...setting(
        'TASKYARD_WORKER_LIVE_LOG_ADDRESS',
        'Address of this machine at which live logs are read directly, any free port. Default: through the server.',
        'a host name or an IP address',
      ),
    }),
  ),
  freeDiskMiBMin: Type.Optional(
    whole(
      'TASKYARD_WORKER_FREE_DISK',
      'No task is claimed while less is free on the disk, in MiB; caches and images make room. Default: 512, or half of a smaller disk.',
    ),
  ),
  signingKeyPath: Type.Optional(
    Type.String({
      minLength: 1,
      ...setting('TASKYARD_WORKER_SIGNING_KEY', 'File with the ed25519 key for the chain of trust.'),
    }),
  ),
  otlpEndpoint: optionalUrl(
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'Base URL of an OpenTelemetry collector that takes OTLP over HTTP; `/v1/traces` is added. Default: no traces.',
  ),
  otlpTracesEndpoint: optionalUrl(
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'The whole URL for traces, in place of `otlpEndpoint`.',
  ),
  dockerHost: Type.String({
    pattern: '^(unix:///|tcp://).+',
    ...setting(
      'DOCKER_HOST',
      'Where Docker or Podman listens: unix:///path or tcp://host:port.',
      'unix:///path or tcp://host:port',
    ),
  }),
  containerImage: Type.Optional(
    Type.String({
      minLength: 1,
      ...setting(
        'TASKYARD_WORKER_CONTAINER_IMAGE',
        'The image for tasks of the docker engine that name none.',
      ),
    }),
  ),
  containerNetwork: Type.Enum(
    [...containerNetworks],
    setting('TASKYARD_WORKER_CONTAINER_NETWORK', "A network for each task, the machine's own, or none."),
  ),
  containerMemoryMiB: Type.Optional(
    whole(
      'TASKYARD_WORKER_CONTAINER_MEMORY',
      'MiB of a container, or a command in bubblewrap. Default: no limit.',
      { minimum: 6 },
    ),
  ),
  containerCpus: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 1024,
      ...setting(
        'TASKYARD_WORKER_CONTAINER_CPUS',
        'The most processors of a container, or a command in bubblewrap: 1.5. Default: no limit.',
      ),
    }),
  ),
  containerPidsMax: Type.Optional(
    whole(
      'TASKYARD_WORKER_CONTAINER_PIDS',
      'Processes of a container, or a command in bubblewrap. Default: no limit.',
      {
        minimum: 1,
      },
    ),
  ),
  containerCapabilities: Type.Array(
    Type.Enum([...containerCapabilities]),
    setting(
      'TASKYARD_WORKER_CONTAINER_CAPABILITIES',
      'What a task gets if its scopes say so. Default: all. Split by colons.',
    ),
  ),
});
export type WorkerConfig = Static<typeof WorkerConfig>;

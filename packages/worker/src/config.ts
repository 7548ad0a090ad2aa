import { existsSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { type Static, Type } from 'typebox';
import Value from 'typebox/value';
import {
  containerCapabilities,
  containerNetworks,
  defaultContainerSettings,
  engineChoices,
} from './engines/index.ts';
import { systemPath } from './program-environment.ts';
import { defaultMetadataEndpoint } from './registration/index.ts';
import {
  expectationOf,
  identifier,
  optionalUrl,
  paths,
  type SettingShape,
  setting,
  whole,
} from './setting-shapes.ts';
import type { WorkerOptions } from './worker-options.ts';

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

/** All mistakes of a configuration, in one error. */
export class WorkerConfigError extends Error {
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(`The worker's configuration is wrong:\n${mistakes.map((mistake) => `- ${mistake}`).join('\n')}`);
    this.name = 'WorkerConfigError';
    this.mistakes = mistakes;
  }
}

/** The directories of the Node that runs this, which tasks need to run `node` and `npm` in a sandbox. */
export const nodeDirectories = (): string[] => {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  if (prefix === '/' || prefix.startsWith('/usr')) return [];
  const own = existsSync(join(prefix, 'lib', 'node_modules')) ? ['bin', 'lib'] : ['bin'];
  return own.map((name) => join(prefix, name));
};

/** A PATH with the system's programs, and the Node that runs this. */
export const defaultPath = (): string => {
  const bin = dirname(process.execPath);
  return systemPath.split(':').includes(bin) ? systemPath : `${bin}:${systemPath}`;
};

const defaults = (): Partial<WorkerConfig> => ({
  workerGroup: 'local',
  workerId: hostname()
    .replace(/[^a-zA-Z0-9-_]/g, '-')
    .slice(0, 38),
  provider: 'none',
  isOnEc2: false,
  metadataEndpoint: defaultMetadataEndpoint,
  capacity: 1,
  workDir: '.taskyard-worker',
  engine: 'auto',
  shutdownGraceSeconds: 0,
  killGraceSeconds: 10,
  maxRunTimeSecondsMax: 86_400,
  readOnlyPaths: [],
  hiddenPaths: [],
  isolateNetwork: false,
  path: defaultPath(),
  allowPrivateUrls: false,
  dockerHost: defaultContainerSettings.host,
  containerNetwork: defaultContainerSettings.network,
  containerCapabilities: [...defaultContainerSettings.capabilities],
});

/** Converts a setting's text to the type of its schema; unchanged when that is not possible. */
const settingFromText = (text: string, { type }: { type?: string }): unknown => {
  if (type === 'integer') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (type === 'number') return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (type === 'boolean')
    return ['true', '1'].includes(text) || (['false', '0'].includes(text) ? false : text);
  if (type === 'array') return text.split(':').filter((path) => path !== '');
  return text;
};

const settings = Object.entries(WorkerConfig.properties) as unknown as [keyof WorkerConfig, SettingShape][];

const fromEnvironment = (
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> =>
  Object.fromEntries(
    settings.flatMap(([name, schema]) => {
      const text = environment[schema.env];
      return text === undefined || text === '' ? [] : [[name, settingFromText(text, schema)]];
    }),
  );

/** The sources of settings, the most important first. All may be incomplete. */
export interface ConfigSources {
  /** What a worker learns by its registration. */
  readonly identity?: Partial<WorkerConfig>;
  /** By flags. */
  readonly given?: Partial<WorkerConfig>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The settings of the pool, from worker-manager. */
  readonly pool?: Partial<WorkerConfig>;
  /** By the file of settings. */
  readonly file?: Readonly<Record<string, unknown>>;
}

const present = (settings: object): object =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));

/** The isolation of tasks is decided by the owner of the machine: its file overrides the pool. */
const ofTheMachine: readonly (keyof WorkerConfig)[] = [
  'engine',
  'readOnlyPaths',
  'hiddenPaths',
  'isolateNetwork',
  'allowPrivateUrls',
  'containerNetwork',
  'containerCapabilities',
];
const onlyOf = (names: readonly string[], settings: object): object =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)));

const merged = ({
  identity = {},
  given = {},
  environment = process.env,
  pool = {},
  file = {},
}: ConfigSources) =>
  ({
    ...defaults(),
    ...file,
    ...pool,
    ...onlyOf(ofTheMachine, file),
    ...fromEnvironment(environment),
    ...present(given),
    ...present(identity),
  }) as Partial<WorkerConfig>;

/** How the worker registers. The other settings may still be incomplete or wrong. */
export const providerIn = (sources: ConfigSources): unknown => merged(sources).provider;

const mistakeIn = (config: Partial<WorkerConfig>, [name, schema]: (typeof settings)[number]): string[] => {
  const value = config[name];
  if (value === undefined) return isRequired(config, name) ? [missing(name, schema)] : [];
  return Value.Check(schema as never, value)
    ? []
    : [`${name} (${schema.env}) must be ${expectationOf(schema)}. ${schema.description}`];
};

const isRequired = ({ provider }: Partial<WorkerConfig>, name: keyof WorkerConfig): boolean => {
  if (name === 'clientId' || name === 'accessToken') return provider === 'none';
  if (name === 'staticSecret' || name === 'providerId') return provider === 'static';
  return WorkerConfig.required.includes(name as never);
};

const unknownIn = (file: object): string[] =>
  Object.keys(file)
    .filter((name) => !(name in WorkerConfig.properties))
    .map((name) => `There is no setting ${name}.`);

/** The settings, checked except for these. Throws one WorkerConfigError with everything that is wrong or missing. */
export const readSettings = (
  sources: ConfigSources,
  unchecked: readonly (keyof WorkerConfig)[] = [],
): WorkerConfig => {
  const config = merged(sources);
  const mistakes = [
    ...unknownIn(sources.file ?? {}),
    ...unknownIn(sources.pool ?? {}),
    ...settings.filter(([name]) => !unchecked.includes(name)).flatMap((one) => mistakeIn(config, one)),
  ];
  if (mistakes.length > 0) throw new WorkerConfigError(mistakes);
  return config as WorkerConfig;
};

/** The options of a worker that has its credentials: flags override the environment. */
export const readWorkerConfig = (
  given: Partial<WorkerConfig>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): WorkerOptions => optionsOf(readSettings({ given, environment }));

/** Settings as a worker takes them. */
export const optionsOf = (config: WorkerConfig): WorkerOptions => {
  const { clientId = '', accessToken = '', certificate, ...others } = config;
  const { provider, providerId, staticSecret, metadataEndpoint, isOnEc2, ...own } = others;
  const { dockerHost, containerImage, containerNetwork, containerCapabilities, ...rest } = own;
  const { containerMemoryMiB, containerCpus, containerPidsMax, ...options } = rest;
  return {
    ...options,
    credentials: { clientId, accessToken, certificate },
    containers: {
      host: dockerHost,
      image: containerImage,
      network: containerNetwork,
      memoryMiB: containerMemoryMiB,
      cpus: containerCpus,
      pidsMax: containerPidsMax,
      capabilities: containerCapabilities,
    },
  };
};

const missing = (name: string, { env, description }: SettingShape): string =>
  `${name} (${env}) is missing. ${description}`;

/** Where a worker of this machine finds Docker or Podman: unix:///path or tcp://host:port. */
export const containerHostHere = (): string => String(merged({}).dockerHost ?? defaultContainerSettings.host);

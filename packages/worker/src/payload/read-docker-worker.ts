import { posix } from 'node:path';
import { dockerWorkerShapeErrors, soundPart } from './check-shape.ts';
import {
  environmentErrors,
  expiryErrors,
  expiryOf,
  hasZeroByte,
  logNameErrors,
  ownNameErrors,
  repeated,
  runTimeErrors,
  uploadedLogs,
} from './checks.ts';
import type { DockerWorkerPayload } from './docker-worker-schema.ts';
import type { PayloadContext, PayloadReading } from './payload-context.ts';
import type { PayloadReader } from './payload-reader.ts';
import {
  type ArtifactDescription,
  type Device,
  defaultLogNames,
  type ImageSource,
  type LogNames,
  type Mount,
  type Privileges,
  type RequiredScope,
  type TaskDescription,
  type Volume,
} from './task-description.ts';

/** Reads a payload of the docker-worker format; returns either a description or every error in it. */
const readDockerWorkerPayload = (payload: unknown, context: PayloadContext): PayloadReading => {
  const misshapen = dockerWorkerShapeErrors(payload);
  // The first error, since the others do not matter when the task was meant for another pool.
  const misplaced = context.abilities.containers ? [] : [noContainers];
  const shaped =
    misshapen.length === 0
      ? (payload as DockerWorkerPayload)
      : soundPart<DockerWorkerPayload>(payload, smallest, dockerWorkerShapeErrors);
  const errors = [...misplaced, ...misshapen, ...otherErrors(shaped, context)];
  return errors.length > 0 ? { errors } : { description: describe(shaped, context) };
};

const smallest = { image: 'none', maxRunTime: 1 };

/** What is wrong with a payload of the right shape. */
const otherErrors = (shaped: DockerWorkerPayload, context: PayloadContext): string[] => {
  const logs = logNames(shaped);
  return [
    ...abilityErrors(shaped, context),
    ...commandErrors(shaped),
    ...environmentErrors(shaped.env ?? {}),
    ...runTimeErrors(shaped.maxRunTime, context),
    ...volumeErrors(shaped),
    ...artifactErrors(shaped, context),
    ...ownNameErrors(Object.keys(shaped.artifacts ?? {}), {
      logs: uploadedLogs(logs, keptLogs(shaped)),
      chainOfTrust: shaped.features?.chainOfTrust,
      interactive: shaped.features?.interactive,
    }),
    ...logNameErrors(logs, 'payload/log'),
  ];
};

/** Without artifacts there is no log either. */
const keptLogs = ({ features: { artifacts = true, localLiveLog, bulkLog } = {} }: DockerWorkerPayload) => ({
  hasLiveLog: artifacts && (localLiveLog ?? true),
  hasBackingLog: artifacts && (bulkLog ?? true),
});

const noContainers =
  'docker-worker payload, but this worker has no container engine: only workers with `--engine docker` run images';

const abilityErrors = (payload: DockerWorkerPayload, { abilities }: PayloadContext): string[] => [
  ...(abilities.containers?.refusals(privilegesOf(payload)) ?? []),
  ...(['taskclusterProxy', 'interactive', 'chainOfTrust'] as const)
    .filter((name) => payload.features?.[name] && !abilities.features[name])
    .map((name) => `payload/features/${name} is true, but this worker does not have that feature`),
  ...(payload.features?.dind
    ? [
        'payload/features/dind is true, but no worker gives tasks the Docker of its machine any more: ' +
          'a container with capabilities.privileged can run one of its own',
      ]
    : []),
  ...(payload.features?.dockerSave
    ? ['payload/features/dockerSave is true, but no worker saves the container of a task any more']
    : []),
];

const privilegesOf = ({ capabilities = {}, features = {} }: DockerWorkerPayload): Privileges => ({
  isPrivileged: capabilities.privileged ?? false,
  mayTrace: features.allowPtrace ?? false,
  mayCallAll: capabilities.disableSeccomp ?? false,
  devices: Object.entries(capabilities.devices ?? {}).flatMap(([device, isWanted]) =>
    isWanted ? [device as Device] : [],
  ),
});

const commandErrors = ({ command = [] }: DockerWorkerPayload): string[] =>
  command[0] === '' || hasZeroByte(command)
    ? ['payload/command has an empty program name or an argument with a zero byte']
    : [];

const volumeErrors = ({ cache = {}, artifacts = {} }: DockerWorkerPayload): string[] => {
  const misplaced = Object.entries(cache).filter(([, path]) => !isMountPoint(path));
  const volumes = Object.entries(artifacts).filter(([, { type }]) => type === 'volume');
  const places = [...Object.values(cache), ...volumes.map(([, { path }]) => path)].map(inContainer);
  return [
    ...misplaced.map(([name]) => `payload/cache/${name} must be an absolute path below the root`),
    ...volumes
      .filter(([, { path }]) => !isMountPoint(path))
      .map(([name]) => `payload/artifacts/${name}/path must be an absolute path below the root`),
    ...('' in cache ? ['payload/cache has a cache without a name'] : []),
    ...repeated(places).map((place) => `payload: more than one cache or volume for ${place}`),
  ];
};

/** A path in the container as one that begins at its root, and without detours. */
const inContainer = (path: string): string => posix.resolve('/', path);

// Docker separates the parts of a mount by colons.
const isMountPoint = (path: string): boolean =>
  posix.isAbsolute(path) && inContainer(path) !== '/' && !/[:\0]/.test(path);

const artifactErrors = ({ artifacts = {} }: DockerWorkerPayload, task: PayloadContext): string[] =>
  Object.entries(artifacts).flatMap(([name, { path, expires }]) => {
    const at = `payload/artifacts/${name}`;
    return [
      ...(/^[\x20-\x7e]{1,1024}$/.test(name) ? [] : [`${at} must have a name of printable ASCII characters`]),
      ...(path.includes('\0') ? [`${at}/path has a zero byte`] : []),
      ...expiryErrors(expires, at, task),
    ];
  });

/** `public/logs/live.log` is kept as `public/logs/live_backing.log`. */
const logNames = ({ log = defaultLogNames.live }: DockerWorkerPayload): LogNames => {
  const { dir, name, ext } = posix.parse(log);
  return { live: log, backing: posix.join(dir, `${name}_backing${ext}`) };
};

const describe = (payload: DockerWorkerPayload, context: PayloadContext): TaskDescription => {
  const { features = {}, onExitStatus = {} } = payload;
  const volumes = volumesOf(payload);
  const uploads = features.artifacts ?? true;
  return {
    image: imageOf(payload),
    commands: [payload.command ?? []],
    environment: payload.env ?? {},
    maxRunTimeSeconds: payload.maxRunTime,
    artifacts: uploads ? artifactsOf(payload, volumes, context) : [],
    mounts: cachesOf(payload),
    volumes,
    privileges: privilegesOf(payload),
    requiredScopes: requiredScopes(payload, context),
    onExitStatus: { retry: onExitStatus.retry ?? [], purgeCaches: onExitStatus.purgeCaches ?? [] },
    logs: logNames(payload),
    ...keptLogs(payload),
    features: {
      taskclusterProxy: features.taskclusterProxy ?? false,
      chainOfTrust: features.chainOfTrust ?? false,
      resourceMonitor: context.abilities.features.resourceMonitor,
      interactive: features.interactive ?? false,
    },
    keepsFigures: false,
  };
};

const imageOf = ({ image }: DockerWorkerPayload): ImageSource =>
  typeof image === 'string' ? { type: 'docker-image', name: image } : image;

const cacheDirectory = (index: number): string => `cache-${index}`;

const cachesOf = ({ cache = {} }: DockerWorkerPayload): Mount[] =>
  Object.keys(cache).map((cacheName, index) => ({
    kind: 'cache',
    cacheName,
    directory: cacheDirectory(index),
    initial: undefined,
  }));

const volumesOf = ({ cache = {}, artifacts = {} }: DockerWorkerPayload): Volume[] => [
  ...Object.values(cache).map((path, index) => ({
    directory: cacheDirectory(index),
    path: inContainer(path),
  })),
  ...Object.values(artifacts)
    .filter(({ type }) => type === 'volume')
    .map(({ path }, index) => ({ directory: `volume-${index}`, path: inContainer(path) })),
];

/** Where the worker finds a path of the container: in a volume, where there is one. */
const placeOf = (path: string, volumes: readonly Volume[]): string => {
  const place = inContainer(path);
  const innermost = volumes
    .filter((volume) => place === volume.path || place.startsWith(`${volume.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
  return innermost ? posix.join(innermost.directory, posix.relative(innermost.path, place)) : place;
};

const artifactsOf = (
  { artifacts = {} }: DockerWorkerPayload,
  volumes: readonly Volume[],
  task: PayloadContext,
): ArtifactDescription[] =>
  Object.entries(artifacts).map(([name, { type, path, expires }]) => ({
    type: type === 'file' ? 'file' : 'directory',
    path: placeOf(path, volumes),
    name,
    expires: expiryOf(expires, task),
    contentType: undefined,
    contentEncoding: undefined,
    isOptional: true,
  }));

const requiredScopes = (payload: DockerWorkerPayload, { taskQueueId }: PayloadContext): RequiredScope[] => {
  const { isPrivileged, mayTrace, mayCallAll, devices } = privilegesOf(payload);
  // Either for all pools, or for this one.
  const capability = (name: string, purpose: string): RequiredScope => {
    const scope = `docker-worker:capability:${name}`;
    return { anyOf: [scope, `${scope}:${taskQueueId}`], purpose };
  };
  const only = (scope: string, purpose: string): RequiredScope => ({ anyOf: [scope], purpose });
  return [
    ...Object.keys(payload.cache ?? {}).map((name) =>
      only(`docker-worker:cache:${name}`, `its cache ${name}`),
    ),
    ...(isPrivileged ? [capability('privileged', 'a privileged container')] : []),
    ...(mayCallAll ? [only('docker-worker:capability:disableSeccomp', 'system calls of all kinds')] : []),
    ...devices.map((device) => capability(`device:${device}`, `the device ${device}`)),
    ...(mayTrace ? [only('docker-worker:feature:allowPtrace', 'tracing processes')] : []),
  ];
};

// Only this format has these fields; a payload with one of them is told the mistakes of this format.
const ownFields = ['image', 'cache', 'capabilities', 'log'];

export const dockerWorkerReader: PayloadReader = {
  format: 'docker-worker',
  isFor: (payload) => ownFields.some((field) => field in payload),
  read: readDockerWorkerPayload,
};

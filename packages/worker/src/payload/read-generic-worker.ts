import { posix } from 'node:path';
import { genericWorkerShapeErrors, soundPart } from './check-shape.ts';
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
import type {
  Content as ContentShape,
  GenericWorkerPayload,
  Mount as MountShape,
} from './generic-worker-schema.ts';
import type { AbsolutePath, PayloadContext, PayloadReading } from './payload-context.ts';
import type { PayloadReader } from './payload-reader.ts';
import {
  type ArchiveFormat,
  type ArtifactDescription,
  archiveFormats,
  type Compression,
  type Content,
  compressions,
  defaultLogNames,
  type Features,
  type Mount,
  noPrivileges,
  type TaskDescription,
} from './task-description.ts';

/** Reads a payload of the generic-worker format; returns either a description or every error in it. */
const readGenericWorkerPayload = (payload: unknown, context: PayloadContext): PayloadReading => {
  const misshapen = genericWorkerShapeErrors(payload);
  const shaped =
    misshapen.length === 0
      ? (payload as GenericWorkerPayload)
      : soundPart<GenericWorkerPayload>(payload, smallest, genericWorkerShapeErrors);
  const errors = [...misshapen, ...otherErrors(shaped, context)];
  return errors.length > 0 ? { errors } : { description: describe(shaped, context) };
};

const smallest = { command: [['true']], maxRunTime: 1 };

/** What is wrong with a payload of the right shape. */
const otherErrors = (shaped: GenericWorkerPayload, context: PayloadContext): string[] => {
  const logs = { ...defaultLogNames, ...shaped.logs };
  const artifactNames = (shaped.artifacts ?? []).map(({ name, path }) => name ?? path);
  return [
    ...featureErrors(shaped, context),
    ...commandErrors(shaped),
    ...environmentErrors(shaped.env ?? {}),
    ...runTimeErrors(shaped.maxRunTime, context),
    ...artifactErrors(shaped, context),
    ...ownNameErrors(artifactNames, {
      logs: uploadedLogs(logs, keptLogs(shaped)),
      chainOfTrust: shaped.features?.chainOfTrust,
      interactive: shaped.features?.interactive,
      figures: shaped.features?.resourceMonitor,
    }),
    ...logNameErrors(logs, 'payload/logs'),
    ...mountErrors(shaped, context),
  ];
};

const keptLogs = ({ features = {} }: GenericWorkerPayload) => ({
  hasLiveLog: features.liveLog ?? true,
  hasBackingLog: features.backingLog ?? true,
});

const featureErrors = (
  { features = {}, osGroups = [], taskclusterProxyInterface: at = 'localhost' }: GenericWorkerPayload,
  { abilities }: PayloadContext,
): string[] => {
  const { liveLog, backingLog, resourceMonitor, ...others } = features;
  const lacking = Object.entries(others).filter(
    ([name, isOn]) => isOn && abilities.features[name as keyof Features] !== true,
  );
  return [
    ...lacking.map(
      ([name]) => `payload/features/${name} is true, but this worker does not have that feature`,
    ),
    ...(features.taskclusterProxy && at !== 'localhost'
      ? [`payload/taskclusterProxyInterface is ${at}, but proxies of this worker are for localhost only`]
      : []),
    ...(osGroups.length > 0
      ? ['payload/osGroups is not empty, but this worker has no user for each task']
      : []),
  ];
};

const commandErrors = ({ command }: GenericWorkerPayload): string[] =>
  command.flatMap((argv, index) =>
    argv[0] === '' || hasZeroByte(argv)
      ? [`payload/command/${index} has an empty program name or an argument with a zero byte`]
      : [],
  );

const insideOnly = "must lie inside the task's directory";

/** Why a task cannot have anything at a path, as a list of at most one reason. */
const placeErrors = (
  place: AbsolutePath,
  at: string,
  { refusalOfPath = () => insideOnly }: PayloadContext['abilities'],
): string[] => {
  const { path } = place;
  const normal = posix.normalize(path);
  if (path.includes('\0')) return [`${at} has a zero byte`];
  if (normal === '..' || normal.startsWith('../')) return [`${at} ${insideOnly}`];
  const refusal = posix.isAbsolute(path) ? refusalOfPath(place) : undefined;
  return refusal === undefined ? [] : [`${at}: ${path} ${refusal}`];
};

const isTheDirectoryItself = (path: string): boolean => /^\.?\/?$/.test(posix.normalize(path));

/** An archive may be unpacked into the task's directory itself; a file or a cache cannot take its place. */
const isUnpacked = (mount: MountShape): boolean => 'directory' in mount && !('cacheName' in mount);

const artifactErrors = ({ artifacts = [] }: GenericWorkerPayload, task: PayloadContext): string[] => [
  ...repeated(artifacts.filter(({ type }) => type === 'file').map(({ name, path }) => name ?? path)).map(
    (name) => `payload/artifacts: ${name} is the name of more than one file`,
  ),
  ...artifacts.flatMap(({ type, name, path, expires }, index) => {
    const at = `payload/artifacts/${index}`;
    return [
      ...placeErrors({ path, use: type }, `${at}/path`, task.abilities),
      ...(type === 'file' && name === '' ? [`${at}/name is empty`] : []),
      ...expiryErrors(expires, at, task),
    ];
  }),
];

const contentErrors = (content: ContentShape, at: string, dependencies: readonly string[]): string[] => {
  if ('url' in content && !/^https?:/.test(content.url)) return [`${at}/url must be http or https`];
  if ('taskId' in content && !dependencies.includes(content.taskId)) {
    return [`${at}/taskId: the task must depend on ${content.taskId} to mount an artifact of it`];
  }
  return [];
};

const formatErrors = (mount: MountShape, at: string): string[] => {
  const known: readonly string[] = 'file' in mount ? compressions : archiveFormats;
  return mount.format === undefined || known.includes(mount.format)
    ? []
    : [`${at}/format: this worker unpacks ${known.join(', ')}, not ${mount.format}`];
};

const mountErrors = (
  payload: GenericWorkerPayload,
  { dependencies, abilities }: PayloadContext,
): string[] => {
  const { mounts = [] } = payload;
  const places = mounts.map((mount) => ('file' in mount ? mount.file : mount.directory));
  return [
    ...mounts.flatMap((mount, index) => {
      const at = `payload/mounts/${index}`;
      const place = places[index] ?? '';
      const placed = `${at}/${'file' in mount ? 'file' : 'directory'}`;
      return [
        ...(isTheDirectoryItself(place) && !isUnpacked(mount)
          ? [`${placed} ${insideOnly}`]
          : placeErrors({ path: place, use: 'mount' }, placed, abilities)),
        ...formatErrors(mount, at),
        ...(mount.content === undefined ? [] : contentErrors(mount.content, `${at}/content`, dependencies)),
      ];
    }),
    ...repeated(places.map((place) => posix.join(place, '.'))).map(
      (place) => `payload/mounts: more than one mount for ${place}`,
    ),
    ...repeated(cacheNames(payload)).map(
      (name) => `payload/mounts: the cache ${name} is mounted more than once`,
    ),
  ];
};

const describe = (payload: GenericWorkerPayload, context: PayloadContext): TaskDescription => ({
  image: undefined,
  commands: payload.command,
  environment: payload.env ?? {},
  maxRunTimeSeconds: payload.maxRunTime,
  artifacts: (payload.artifacts ?? []).map((artifact) => describeArtifact(artifact, context)),
  mounts: (payload.mounts ?? []).map(describeMount),
  volumes: [],
  privileges: noPrivileges,
  requiredScopes: cacheNames(payload).map((name) => ({
    anyOf: [`generic-worker:cache:${name}`],
    purpose: `its cache ${name}`,
  })),
  onExitStatus: {
    retry: payload.onExitStatus?.retry ?? [],
    purgeCaches: payload.onExitStatus?.purgeCaches ?? [],
  },
  logs: {
    live: payload.logs?.live ?? defaultLogNames.live,
    backing: payload.logs?.backing ?? defaultLogNames.backing,
  },
  ...keptLogs(payload),
  features: {
    taskclusterProxy: payload.features?.taskclusterProxy ?? false,
    chainOfTrust: payload.features?.chainOfTrust ?? false,
    resourceMonitor:
      context.abilities.features.resourceMonitor && (payload.features?.resourceMonitor ?? true),
    interactive: payload.features?.interactive ?? false,
  },
  // All tasks are watched unless they say no; only those that say yes want to look at the curve.
  keepsFigures: payload.features?.resourceMonitor ?? false,
});

const cacheNames = ({ mounts = [] }: GenericWorkerPayload): string[] =>
  mounts.flatMap((mount) => ('cacheName' in mount ? [mount.cacheName] : []));

type ArtifactShape = NonNullable<GenericWorkerPayload['artifacts']>[number];

const describeArtifact = (artifact: ArtifactShape, task: PayloadContext): ArtifactDescription => ({
  type: artifact.type,
  path: artifact.path,
  name: artifact.name ?? artifact.path,
  expires: expiryOf(artifact.expires, task),
  contentType: artifact.contentType,
  contentEncoding: artifact.contentEncoding,
  isOptional: artifact.optional ?? false,
});

const describeContent = (content: ContentShape): Content => {
  if ('taskId' in content) {
    const { taskId, artifact, sha256 } = content;
    return { kind: 'artifact', taskId, artifact, sha256 };
  }
  if ('url' in content) return { kind: 'url', url: content.url, sha256: content.sha256 };
  if ('raw' in content) return { kind: 'inline', bytes: Buffer.from(content.raw) };
  if ('base64' in content) return { kind: 'inline', bytes: Buffer.from(content.base64, 'base64') };
  return { kind: 'indexed', namespace: content.namespace, artifact: content.artifact };
};

const describeMount = (mount: MountShape): Mount => {
  if ('file' in mount) {
    const compression = mount.format as Compression | undefined;
    return { kind: 'file', file: mount.file, content: describeContent(mount.content), compression };
  }
  const { directory, content } = mount;
  const format = mount.format as ArchiveFormat;
  if (!('cacheName' in mount)) {
    return { kind: 'directory', directory, content: describeContent(mount.content), format };
  }
  const initial = content === undefined ? undefined : { content: describeContent(content), format };
  return { kind: 'cache', cacheName: mount.cacheName, directory, initial };
};

export const genericWorkerReader: PayloadReader = {
  format: 'generic-worker',
  isFor: () => true,
  read: readGenericWorkerPayload,
};

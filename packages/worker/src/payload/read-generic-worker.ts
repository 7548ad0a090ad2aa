import { posix } from 'node:path';
import { shapeErrors } from './check-shape.ts';
import type { Content as ContentShape, GenericWorkerPayload, Mount as MountShape } from './schema.ts';
import {
  type ArchiveFormat,
  type ArtifactDescription,
  archiveFormats,
  type Compression,
  type Content,
  compressions,
  defaultLogNames,
  type Mount,
  type TaskDescription,
} from './task-description.ts';

/** What of a task's definition, beside its payload, decides whether the payload is right. */
export interface PayloadContext {
  readonly deadline: Date;
  readonly expires: Date;
  readonly dependencies: readonly string[];
  readonly maxRunTimeSecondsMax: number;
}

export type PayloadReading =
  | { readonly description: TaskDescription; readonly errors?: never }
  | { readonly errors: readonly string[]; readonly description?: never };

/** Reads a payload of the generic-worker format; answers either a description or every error in it. */
export const readGenericWorkerPayload = (payload: unknown, context: PayloadContext): PayloadReading => {
  const misshapen = shapeErrors(payload);
  if (misshapen.length > 0) return { errors: misshapen };
  const shaped = payload as GenericWorkerPayload;
  const errors = [
    ...featureErrors(shaped),
    ...commandErrors(shaped),
    ...runTimeErrors(shaped, context),
    ...artifactErrors(shaped, context),
    ...artifactNameErrors(shaped),
    ...mountErrors(shaped, context),
  ];
  return errors.length > 0 ? { errors } : { description: describe(shaped, context) };
};

const featureErrors = ({ features = {}, osGroups = [] }: GenericWorkerPayload): string[] => {
  const { liveLog, backingLog, ...others } = features;
  const wanted = Object.entries(others).filter(([, isOn]) => isOn);
  return [
    ...wanted.map(([name]) => `payload/features/${name} is true, but this worker does not have that feature`),
    ...(osGroups.length > 0
      ? ['payload/osGroups is not empty, but this worker has no user for each task']
      : []),
  ];
};

// The operating system takes neither: its texts end at the first zero byte.
const commandErrors = ({ command, env = {} }: GenericWorkerPayload): string[] => [
  ...command.flatMap((argv, index) =>
    argv[0] === '' || argv.some((argument) => argument.includes('\0'))
      ? [`payload/command/${index} has an empty program name or an argument with a zero byte`]
      : [],
  ),
  ...Object.entries(env).flatMap(([name, value]) =>
    /^[^=\0]+$/.test(name) && typeof value === 'string' && !value.includes('\0')
      ? []
      : [`payload/env: ${JSON.stringify(name)} cannot be an environment variable`],
  ),
];

const runTimeErrors = (
  { maxRunTime }: GenericWorkerPayload,
  { maxRunTimeSecondsMax }: PayloadContext,
): string[] =>
  maxRunTime <= maxRunTimeSecondsMax
    ? []
    : [
        `payload/maxRunTime is ${maxRunTime} s, but tasks may run for ${maxRunTimeSecondsMax} s on this worker`,
      ];

/** Whether a relative path leaves the directory that it starts from. */
const leaves = (path: string): boolean => {
  const normal = posix.normalize(path);
  return posix.isAbsolute(path) || normal === '..' || normal.startsWith('../') || path.includes('\0');
};

const isTheDirectoryItself = (path: string): boolean => /^\.?\/?$/.test(posix.normalize(path));

const artifactErrors = (
  { artifacts = [] }: GenericWorkerPayload,
  { deadline, expires }: PayloadContext,
): string[] =>
  artifacts.flatMap((artifact, index) => {
    const at = `payload/artifacts/${index}`;
    const ends = artifact.expires === undefined ? expires : new Date(artifact.expires);
    const isInTime =
      ends.getTime() >= deadline.getTime() - 1000 && ends.getTime() <= expires.getTime() + 1000;
    return [
      ...(leaves(artifact.path) ? [`${at}/path must stay inside the task's directory`] : []),
      ...(isInTime
        ? []
        : [
            `${at}/expires must lie between the task's deadline (${deadline.toJSON()}) and its expiry (${expires.toJSON()})`,
          ]),
    ];
  });

// The queue would refuse the log itself, after everything else is done.
const artifactNameErrors = ({ artifacts = [], logs = {} }: GenericWorkerPayload): string[] => {
  const logNames: string[] = Object.values({ ...defaultLogNames, ...logs });
  return artifacts
    .map(({ name, path }) => name ?? path)
    .filter((name) => logNames.includes(name))
    .map((name) => `payload/artifacts: ${name} is the name of the task's log`);
};

const contentErrors = (content: ContentShape, at: string, dependencies: readonly string[]): string[] => {
  if ('namespace' in content) return [`${at}/namespace: this worker does not read the index yet`];
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

const repeated = (values: readonly string[]): string[] => [
  ...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
];

const mountErrors = ({ mounts = [] }: GenericWorkerPayload, { dependencies }: PayloadContext): string[] => {
  const places = mounts.map((mount) => ('file' in mount ? mount.file : mount.directory));
  const cacheNames = mounts.flatMap((mount) => ('cacheName' in mount ? [mount.cacheName] : []));
  return [
    ...mounts.flatMap((mount, index) => {
      const at = `payload/mounts/${index}`;
      const place = places[index] ?? '';
      return [
        ...(leaves(place) || isTheDirectoryItself(place)
          ? [`${at}/${'file' in mount ? 'file' : 'directory'} must lie inside the task's directory`]
          : []),
        ...formatErrors(mount, at),
        ...(mount.content === undefined ? [] : contentErrors(mount.content, `${at}/content`, dependencies)),
      ];
    }),
    ...repeated(places.map((place) => posix.join(place, '.'))).map(
      (place) => `payload/mounts: more than one mount for ${place}`,
    ),
    ...repeated(cacheNames).map((name) => `payload/mounts: the cache ${name} is mounted more than once`),
  ];
};

const describe = (payload: GenericWorkerPayload, { expires }: PayloadContext): TaskDescription => ({
  commands: payload.command,
  environment: payload.env ?? {},
  maxRunTimeSeconds: payload.maxRunTime,
  artifacts: (payload.artifacts ?? []).map((artifact) => describeArtifact(artifact, expires)),
  mounts: (payload.mounts ?? []).map(describeMount),
  onExitStatus: {
    retry: payload.onExitStatus?.retry ?? [],
    purgeCaches: payload.onExitStatus?.purgeCaches ?? [],
  },
  logs: {
    live: payload.logs?.live ?? defaultLogNames.live,
    backing: payload.logs?.backing ?? defaultLogNames.backing,
  },
  hasLiveLog: payload.features?.liveLog ?? true,
  hasBackingLog: payload.features?.backingLog ?? true,
});

type ArtifactShape = NonNullable<GenericWorkerPayload['artifacts']>[number];

// An artifact may not outlive its task by even the second that its own expiry is allowed to be off.
const describeArtifact = (artifact: ArtifactShape, expires: Date): ArtifactDescription => ({
  type: artifact.type,
  path: artifact.path,
  name: artifact.name ?? artifact.path,
  expires:
    artifact.expires === undefined ? expires : new Date(Math.min(Date.parse(artifact.expires), +expires)),
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
  throw new Error('Content from the index passed the checks that refuse it.');
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

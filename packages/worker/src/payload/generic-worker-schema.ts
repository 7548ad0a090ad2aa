import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false };

const Sha256 = Type.String({ pattern: '^[a-f0-9]{64}$', description: 'Of the bytes, in lower-case hex.' });
const Path = Type.String({ minLength: 1, description: "Relative to the task's directory." });

const everyArchiveFormat = [
  '7z',
  'rar',
  'tar',
  'tar.br',
  'tar.bz2',
  'tar.gz',
  'tar.lz',
  'tar.lz4',
  'tar.mz',
  'tar.sz',
  'tar.xz',
  'tar.zst',
  'tar.zz',
  'zip',
] as const;
const everyCompression = ['br', 'bz2', 'gz', 'lz', 'lz4', 'mz', 'sz', 'xz', 'zst', 'zz'] as const;

const ArchiveFormat = Type.Enum([...everyArchiveFormat]);
const Compression = Type.Enum([...everyCompression]);

/** Where the bytes of a mount come from, by the property that tells the kinds apart. */
export const contentShapes = {
  taskId: Type.Object(
    {
      taskId: Type.String({
        pattern: '^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$',
      }),
      artifact: Type.String({ maxLength: 1024 }),
      sha256: Type.Optional(Sha256),
    },
    closed,
  ),
  namespace: Type.Object(
    { namespace: Type.String({ maxLength: 255 }), artifact: Type.String({ maxLength: 1024 }) },
    closed,
  ),
  url: Type.Object({ url: Type.String({ format: 'uri' }), sha256: Type.Optional(Sha256) }, closed),
  raw: Type.Object({ raw: Type.String({ maxLength: 65_536 }) }, closed),
  base64: Type.Object(
    { base64: Type.String({ maxLength: 65_536, pattern: '^[A-Za-z0-9/+]+[=]{0,2}$' }) },
    closed,
  ),
};
export const Content = Type.Union(
  Object.values(contentShapes) as (typeof contentShapes)[keyof typeof contentShapes][],
);
export type Content =
  | Static<typeof contentShapes.taskId>
  | Static<typeof contentShapes.namespace>
  | Static<typeof contentShapes.url>
  | Static<typeof contentShapes.raw>
  | Static<typeof contentShapes.base64>;

/** Mounts by the property that tells the kinds apart; the first that is there decides. */
export const mountShapes = {
  cacheName: Type.Object(
    {
      cacheName: Type.String({ minLength: 1 }),
      directory: Path,
      content: Type.Optional(Type.Unsafe<Content>(Content)),
      format: Type.Optional(ArchiveFormat),
    },
    { ...closed, dependencies: { content: ['format'], format: ['content'] } },
  ),
  directory: Type.Object(
    { directory: Path, content: Type.Unsafe<Content>(Content), format: ArchiveFormat },
    closed,
  ),
  file: Type.Object(
    { file: Path, content: Type.Unsafe<Content>(Content), format: Type.Optional(Compression) },
    closed,
  ),
};
export const Mount = Type.Union(
  Object.values(mountShapes) as (typeof mountShapes)[keyof typeof mountShapes][],
);
export type Mount =
  | Static<typeof mountShapes.cacheName>
  | Static<typeof mountShapes.directory>
  | Static<typeof mountShapes.file>;

const Artifact = Type.Object(
  {
    type: Type.Enum(['file', 'directory']),
    path: Path,
    name: Type.Optional(Type.String({ pattern: '^[\\x20-\\x7e]+$', maxLength: 1024 })),
    expires: Type.Optional(Type.String({ format: 'date-time' })),
    contentType: Type.Optional(Type.String({ maxLength: 255 })),
    contentEncoding: Type.Optional(Type.Enum(['gzip', 'identity'])),
    optional: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** Features of the original format: known by name, though this worker does not have most of them. */
const Feature = Type.Optional(Type.Boolean());
const Features = Type.Object(
  {
    liveLog: Feature,
    backingLog: Feature,
    chainOfTrust: Feature,
    taskclusterProxy: Feature,
    interactive: Feature,
    resourceMonitor: Feature,
    loopbackVideo: Feature,
    loopbackAudio: Feature,
    runTaskAsCurrentUser: Feature,
  },
  closed,
);

/** The generic-worker payload format on POSIX systems. */
export const GenericWorkerPayload = Type.Object(
  {
    command: Type.Array(Type.Array(Type.String(), { minItems: 1 }), {
      minItems: 1,
      description:
        'Commands with their arguments; no shell is involved. The first to fail is the last to run.',
    }),
    env: Type.Optional(Type.Record(Type.String(), Type.String())),
    maxRunTime: Type.Integer({ minimum: 1, description: 'Seconds, for all commands together.' }),
    artifacts: Type.Optional(Type.Array(Artifact, { uniqueItems: true })),
    mounts: Type.Optional(Type.Array(Type.Unsafe<Mount>(Mount))),
    onExitStatus: Type.Optional(
      Type.Object(
        {
          retry: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }), { uniqueItems: true })),
          purgeCaches: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }), { uniqueItems: true })),
        },
        closed,
      ),
    ),
    logs: Type.Optional(
      Type.Object(
        {
          live: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
          backing: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
        },
        closed,
      ),
    ),
    features: Type.Optional(Features),
    osGroups: Type.Optional(Type.Array(Type.String(), { uniqueItems: true })),
    supersederUrl: Type.Optional(Type.String({ description: 'Accepted and ignored.' })),
    taskclusterProxyInterface: Type.Optional(Type.Enum(['localhost', 'docker-bridge'])),
  },
  closed,
);
export type GenericWorkerPayload = Static<typeof GenericWorkerPayload>;

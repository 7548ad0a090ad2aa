import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false };
const Switch = (initially: boolean, description: string) =>
  Type.Optional(Type.Boolean({ default: initially, description }));

/** Where an image comes from, by its `type`; a bare name is a `docker-image`. */
export const imageShapes = {
  'docker-image': Type.Object(
    { type: Type.Literal('docker-image'), name: Type.String({ minLength: 1 }) },
    { ...closed, description: 'An image of a registry, by name.' },
  ),
  'task-image': Type.Object(
    {
      type: Type.Literal('task-image'),
      taskId: Type.String({ minLength: 1 }),
      path: Type.String({ minLength: 1 }),
    },
    { ...closed, description: 'A saved image that a task left as an artifact.' },
  ),
  'indexed-image': Type.Object(
    {
      type: Type.Literal('indexed-image'),
      namespace: Type.String({ minLength: 1 }),
      path: Type.String({ minLength: 1 }),
    },
    { ...closed, description: 'A saved image of the task at a path of the index.' },
  ),
};
const Image = Type.Union([
  Type.String({ minLength: 1 }),
  imageShapes['docker-image'],
  imageShapes['task-image'],
  imageShapes['indexed-image'],
]);
export type Image = Static<typeof Image>;

const Artifact = Type.Object(
  {
    type: Type.Enum(['file', 'directory', 'volume']),
    path: Type.String({ minLength: 1, description: 'In the container. A volume is mounted there.' }),
    expires: Type.Optional(Type.String({ format: 'date-time' })),
  },
  closed,
);

const Devices = Type.Object(
  {
    loopbackVideo: Type.Optional(Type.Boolean()),
    loopbackAudio: Type.Optional(Type.Boolean()),
    hostSharedMemory: Type.Optional(Type.Boolean()),
    kvm: Type.Optional(Type.Boolean()),
  },
  closed,
);

const Capabilities = Type.Object(
  {
    privileged: Switch(false, 'A container with all rights of the machine.'),
    disableSeccomp: Switch(false, 'Every system call may be made.'),
    devices: Type.Optional(Devices),
  },
  closed,
);

const Features = Type.Object(
  {
    localLiveLog: Switch(true, 'The log can be read while it grows.'),
    bulkLog: Switch(true, 'The log is kept.'),
    artifacts: Switch(true, 'Without it neither artifacts nor logs are uploaded.'),
    taskclusterProxy: Switch(false, "A proxy signs requests with the task's credentials."),
    interactive: Switch(false, 'A shell in the running task.'),
    allowPtrace: Switch(false, 'The task may trace its processes.'),
    chainOfTrust: Switch(false, 'A signed list of what the task made.'),
    dind: Switch(false, 'Of old: the Docker of the machine. It must be false.'),
    dockerSave: Switch(false, 'Of old: the container saved as an artifact. It must be false.'),
  },
  closed,
);

/** The docker-worker payload format. */
export const DockerWorkerPayload = Type.Object(
  {
    image: Image,
    command: Type.Optional(
      Type.Array(Type.String(), { default: [], description: "Empty: the image's own command is run." }),
    ),
    env: Type.Optional(Type.Record(Type.String(), Type.String())),
    maxRunTime: Type.Integer({ minimum: 1, description: 'Seconds.' }),
    cache: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Where in the container each cache is mounted, by its name.',
      }),
    ),
    artifacts: Type.Optional(
      Type.Record(Type.String(), Artifact, { description: 'What the task leaves, by the name it gets.' }),
    ),
    capabilities: Type.Optional(Capabilities),
    features: Type.Optional(Features),
    log: Type.Optional(
      Type.String({ minLength: 1, default: 'public/logs/live.log', description: 'Name of the live log.' }),
    ),
    onExitStatus: Type.Optional(
      Type.Object(
        {
          retry: Type.Optional(Type.Array(Type.Integer())),
          purgeCaches: Type.Optional(Type.Array(Type.Integer())),
        },
        closed,
      ),
    ),
    supersederUrl: Type.Optional(Type.String({ description: 'Accepted and ignored.' })),
  },
  closed,
);
export type DockerWorkerPayload = Static<typeof DockerWorkerPayload>;

import { existsSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { type Static, Type } from 'typebox';
import Value from 'typebox/value';
import { engineChoices } from './engines/index.ts';
import type { WorkerOptions } from './worker-options.ts';

const setting = (env: string, description: string) => ({ env, description });
const whole = (env: string, description: string, { minimum = 0, maximum = 31_536_000 } = {}) =>
  Type.Integer({ minimum, maximum, ...setting(env, description) });
const identifier = (env: string, description: string) =>
  Type.String({ pattern: '^[a-zA-Z0-9-_]{1,38}$', ...setting(env, description) });
const paths = (env: string, description: string) =>
  Type.Array(Type.String(), setting(env, `${description} Split by colons.`));

/** Everything that an operator may set of a standalone worker. */
export const WorkerConfig = Type.Object({
  rootUrl: Type.String({
    pattern: '^https?://[^/]+/?$',
    ...setting('TASKCLUSTER_ROOT_URL', 'The server: https://host, without a path.'),
  }),
  clientId: Type.String({
    minLength: 1,
    ...setting('TASKCLUSTER_CLIENT_ID', 'Who the worker is to the server.'),
  }),
  accessToken: Type.String({
    minLength: 1,
    ...setting('TASKCLUSTER_ACCESS_TOKEN', 'Proves it. Never logged.'),
  }),
  certificate: Type.Optional(
    Type.String(setting('TASKCLUSTER_CERTIFICATE', 'Comes with temporary credentials only.')),
  ),
  taskQueueId: Type.String({
    pattern: '^[a-zA-Z0-9-_]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$',
    ...setting('TASKYARD_WORKER_TASK_QUEUE_ID', 'The queue to take tasks from: provisioner/worker-type.'),
  }),
  workerGroup: identifier('TASKYARD_WORKER_GROUP', 'Where the worker is.'),
  workerId: identifier(
    'TASKYARD_WORKER_ID',
    'Which worker of the group it is. Default: the name of this machine.',
  ),
  capacity: whole('TASKYARD_WORKER_CAPACITY', 'Tasks at a time.', { minimum: 1, maximum: 32 }),
  workDir: Type.String({
    minLength: 1,
    ...setting('TASKYARD_WORKER_DIR', "Folder for tasks' directories, caches and downloads."),
  }),
  engine: Type.Enum([...engineChoices], setting('TASKYARD_WORKER_ENGINE', 'How commands are kept apart.')),
  idleTimeoutSeconds: Type.Optional(
    whole('TASKYARD_WORKER_IDLE_TIMEOUT', 'Leave after so many seconds without a task. Default: never.', {
      minimum: 1,
    }),
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
});
export type WorkerConfig = Static<typeof WorkerConfig>;

/** All that is wrong with a configuration, in one error. */
export class WorkerConfigError extends Error {
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(`The worker's configuration is wrong:\n${mistakes.map((mistake) => `- ${mistake}`).join('\n')}`);
    this.name = 'WorkerConfigError';
    this.mistakes = mistakes;
  }
}

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The directories of the Node that runs this: what tasks need to run `node` and `npm` in a sandbox. */
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
});

/** A setting's text as the value that its schema wants; left as it is where it cannot be one. */
const settingFromText = (text: string, { type }: { type?: string }): unknown => {
  if (type === 'integer') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (type === 'boolean')
    return ['true', '1'].includes(text) || (['false', '0'].includes(text) ? false : text);
  if (type === 'array') return text.split(':').filter((path) => path !== '');
  return text;
};

interface Setting {
  readonly env: string;
  readonly description: string;
  readonly type?: string;
}
const settings = Object.entries(WorkerConfig.properties) as unknown as [keyof WorkerConfig, Setting][];

const fromEnvironment = (
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> =>
  Object.fromEntries(
    settings.flatMap(([name, schema]) => {
      const text = environment[schema.env];
      return text === undefined || text === '' ? [] : [[name, settingFromText(text, schema)]];
    }),
  );

/**
 * The options of a standalone worker: what is given (by flags) before the environment, before the defaults.
 * Throws one WorkerConfigError with everything that is wrong or missing.
 */
export const readWorkerConfig = (
  given: Partial<WorkerConfig>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): WorkerOptions => {
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const config: unknown = { ...defaults(), ...fromEnvironment(environment), ...present };
  const mistakes = settings.flatMap(([name, schema]) => {
    const value = (config as Record<string, unknown>)[name];
    if (value === undefined)
      return WorkerConfig.required.includes(name as never) ? [missing(name, schema)] : [];
    return Value.Check(schema as never, value)
      ? []
      : [`${name} (${schema.env}) is not right. ${schema.description}`];
  });
  if (mistakes.length > 0) throw new WorkerConfigError(mistakes);
  const { clientId, accessToken, certificate, ...options } = config as WorkerConfig;
  return { ...options, credentials: { clientId, accessToken, certificate } };
};

const missing = (name: string, { env, description }: Setting): string =>
  `${name} (${env}) is missing. ${description}`;

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Static, type TSchema, Type } from 'typebox';
import Value from 'typebox/value';
import { parse } from 'yaml';
import { ageingPattern } from './queue/index.ts';

/** What a setting says about itself beside its JSON schema. */
interface Facts {
  readonly description: string;
  readonly env: string;
  readonly default?: string | number | boolean;
  /** Never printed: not in a log, not in an error. */
  readonly secret?: true;
  /** What a value must be, where the schema's own words are not enough. */
  readonly expects?: string;
}

const text = (facts: Facts) => Type.String({ minLength: 1, ...facts });
const optionalText = (facts: Facts) => Type.Optional(text(facts));
const optionalUrl = (protocols: string, expects: string, facts: Facts) =>
  Type.Optional(Type.String({ pattern: `^(${protocols})://[^/]+`, expects, ...facts }));
const whole = (minimum: number, maximum: number, facts: Facts) =>
  Type.Integer({ minimum, maximum, ...facts });
const choice = <const T extends string>(values: readonly T[], facts: Facts) =>
  Type.Enum([...values], { ...facts });
const toggle = (facts: Facts) => Type.Boolean({ ...facts });

/** Everything that an operator may set, with its default and what it means. */
export const Config = Type.Object({
  port: whole(0, 65_535, {
    env: 'PORT',
    default: 8080,
    description: 'Port of the API; 0 takes any free one.',
  }),
  host: text({
    env: 'HOST',
    default: '127.0.0.1',
    description: 'Address to listen on. The default lets nobody in from outside of this machine.',
  }),
  data: text({
    env: 'TASKYARD_DATA',
    default: '.taskyard',
    description: 'Folder of the embedded database, artifacts on disk and the root credentials.',
  }),
  processes: whole(1, 64, {
    env: 'PROCESSES',
    default: 1,
    description:
      'Processes that serve the API, on one port. With more than one, another process starts them, and runs the ' +
      'background loops.',
  }),
  metricsPort: Type.Optional(
    whole(0, 65_535, {
      env: 'METRICS_PORT',
      description:
        'Port on which Prometheus finds `/metrics`, at the address of `host`; 0 takes any free one. By default there ' +
        'are no metrics.',
    }),
  ),
  role: choice(['all', 'api', 'background'], {
    env: 'ROLE',
    default: 'all',
    description: 'What this process does: serve the API, run the background loops, or both.',
  }),
  rootUrl: optionalUrl('https?', 'a URL that starts with http:// or https://', {
    env: 'ROOT_URL',
    description: 'URL under which clients reach the platform; by default the address that it listens on.',
  }),
  trustProxy: toggle({
    env: 'TRUST_PROXY',
    default: false,
    description: 'Believe X-Forwarded-* headers. Only behind a proxy that sets them itself.',
  }),
  databaseUrl: optionalUrl('postgres(ql)?', 'a URL that starts with postgres://', {
    env: 'DATABASE_URL',
    secret: true,
    description: 'A PostgreSQL of your own, 15 or later; by default an embedded one is started.',
  }),
  databasePoolSizeMax: whole(1, 1000, {
    env: 'DATABASE_POOL_SIZE',
    default: 10,
    description: 'Connections to the database that each process opens at most.',
  }),
  amqpUrl: optionalUrl('amqps?', 'a URL that starts with amqp:// or amqps://', {
    env: 'AMQP_URL',
    secret: true,
    description: 'A RabbitMQ to publish messages to; without it they go to the event stream only.',
  }),
  exchangePrefix: text({
    env: 'EXCHANGE_PREFIX',
    default: 'exchange/taskcluster-',
    description: 'What the names of all exchanges begin with; the name of the service follows.',
  }),
  encryptionKeys: Type.Optional(
    Type.String({
      ...({
        env: 'ENCRYPTION_KEYS',
        secret: true,
        expects: 'names with 32 bytes in base64, as in new:…=,old:…=',
        description:
          'Keys that access tokens are encrypted with in the database: the first encrypts, all decrypt. ' +
          'By default one is made and kept in the data folder; processes that share a database share the keys.',
      } satisfies Facts),
      pattern: '^[A-Za-z0-9_-]{1,64}:[A-Za-z0-9+/]{43}=(,[A-Za-z0-9_-]{1,64}:[A-Za-z0-9+/]{43}=)*$',
    }),
  ),
  websocktunnelSecret: optionalText({
    env: 'WEBSOCKTUNNEL_SECRET',
    secret: true,
    description: 'The secret shared with a websocktunnel; without it no tokens for one are given out.',
  }),
  claimTimeoutSeconds: whole(1, 86_400, {
    env: 'TASK_CLAIM_TIMEOUT',
    default: 1200,
    description: 'How long a claim lasts unless the worker reclaims.',
  }),
  deadlineDelaySeconds: whole(0, 86_400, {
    env: 'DEADLINE_DELAY',
    default: 60,
    description: 'How long after its deadline an unfinished task is resolved.',
  }),
  taskDeadlineDaysMax: whole(1, 3650, {
    env: 'MAX_TASK_DEADLINE_DAYS',
    default: 5,
    description: 'How far ahead the deadline of a new task may lie.',
  }),
  taskDependenciesMax: whole(1, 100_000, {
    env: 'TASK_MAX_DEPENDENCIES',
    default: 10_000,
    description: 'Dependencies that one task may have.',
  }),
  ageing: Type.Optional(
    Type.String({
      ...({
        env: 'AGEING',
        expects: 'task queues with seconds, as in project/*=600,other/linux=300',
        description:
          'Task queues in which a waiting task gains one priority for each so many seconds, so that low priorities ' +
          'are not starved. By default a higher priority always goes first.',
      } satisfies Facts),
      pattern: ageingPattern,
    }),
  ),
  eventRetentionSeconds: whole(60, 31_536_000, {
    env: 'EVENT_RETENTION',
    default: 21_600,
    description: 'How long messages are kept for readers of the event stream that come back.',
  }),
  logLevel: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    env: 'LOG_LEVEL',
    default: 'info',
    description: 'The least important lines that are logged.',
  }),
  s3: Type.Object({
    bucket: optionalText({
      env: 'S3_BUCKET',
      description: 'Bucket for artifacts; without it they lie on disk.',
    }),
    region: text({ env: 'S3_REGION', default: 'us-east-1', description: 'Region of the bucket.' }),
    endpoint: optionalUrl('https?', 'a URL that starts with http:// or https://', {
      env: 'S3_ENDPOINT',
      description: 'Where a store other than AWS listens.',
    }),
    accessKeyId: optionalText({
      env: 'S3_ACCESS_KEY_ID',
      description: "Key of the bucket; by default the AWS library's usual sources are searched.",
    }),
    secretAccessKey: optionalText({
      env: 'S3_SECRET_ACCESS_KEY',
      secret: true,
      description: 'The secret that belongs to the key.',
    }),
    forcePathStyle: toggle({
      env: 'S3_FORCE_PATH_STYLE',
      default: false,
      description: "Name the bucket in the URL's path, not in its host. Most stores other than AWS want it.",
    }),
  }),
  worker: Type.Object({
    enabled: toggle({
      env: 'WORKER',
      default: true,
      description: 'Run a worker beside the platform. Roles other than `all` have none.',
    }),
    capacity: Type.Optional(
      whole(1, 1000, {
        env: 'WORKER_CAPACITY',
        description: 'Tasks that the built-in worker runs at once; by default one for each core.',
      }),
    ),
    engine: choice(['auto', 'process', 'bubblewrap'], {
      env: 'WORKER_ENGINE',
      default: 'auto',
      description: 'How tasks are kept apart: `auto` takes bubblewrap where it works, else plain processes.',
    }),
  }),
});
export type Config = Static<typeof Config>;

/** Some of the settings, as a file or a command line gives them. */
export type PartialConfig = {
  readonly [K in keyof Config]?: Config[K] extends object
    ? Partial<Config[K]> | undefined
    : Config[K] | undefined;
};

/** One thing that is wrong with the configuration, and where it was written. */
export interface Mistake {
  readonly where: string;
  readonly message: string;
}

/** The configuration cannot be used; it names every mistake. */
export class ConfigError extends Error {
  readonly mistakes: readonly Mistake[];
  constructor(mistakes: readonly Mistake[]) {
    super(
      `The configuration has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n${mistakes
        .map(({ where, message }) => `  ${where}: ${message}`)
        .join('\n')}`,
    );
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/** The words of a JSON schema that settings use. */
interface SchemaWords {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A single setting: its place in the configuration, and its schema. */
export interface Setting {
  /** `s3.bucket` */
  readonly key: string;
  readonly schema: TSchema & Facts & SchemaWords;
}

interface Section {
  readonly properties?: Readonly<Record<string, TSchema>>;
}

const settingsOf = (section: Section, prefix: string): Setting[] =>
  Object.entries(section.properties ?? {}).flatMap(([name, schema]) =>
    (schema as Section).properties
      ? settingsOf(schema as Section, `${prefix}${name}.`)
      : [{ key: prefix + name, schema: schema as Setting['schema'] }],
  );

/** All settings, in the order of the schema. */
export const settings: readonly Setting[] = settingsOf(Config, '');
const settingFor = new Map(settings.map((setting) => [setting.key, setting]));
const isSection = (key: string): boolean => settings.some((setting) => setting.key.startsWith(`${key}.`));

const anyText = 'a text that is not empty';

const expectation = ({ schema }: Setting): string => {
  if (schema.expects) return schema.expects;
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  return schema.type === 'boolean' ? 'true or false' : anyText;
};

/** Environment and command lines give texts only: reads a number or a truth value where the schema wants one. */
const fromText = (value: unknown, type: string | undefined): unknown => {
  if (type === 'integer' && typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
};

/** A setting's value as one source gives it. */
interface Given {
  readonly where: string;
  readonly key: string;
  readonly value: unknown;
}

const fromEnvironment = (env: NodeJS.ProcessEnv): Given[] =>
  settings.flatMap(({ key, schema }) => {
    const value = env[schema.env];
    return value ? [{ where: schema.env, key, value }] : [];
  });

const flatten = (source: object, name: (key: string) => string, prefix = ''): Given[] =>
  Object.entries(source).flatMap(([part, value]) => {
    const key = prefix + part;
    if (isSection(key) && typeof value === 'object' && value !== null) return flatten(value, name, `${key}.`);
    return value === undefined ? [] : [{ where: name(key), key, value }];
  });

const flagFor = (key: string): string =>
  `--${key.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const fromFile = (path: string, mistakes: Mistake[]): Given[] => {
  try {
    const content: unknown = parse(readFileSync(path, 'utf8')) ?? {};
    if (typeof content === 'object' && !Array.isArray(content)) {
      return flatten(content as object, (key) => `${path}: ${key}`);
    }
    mistakes.push({ where: path, message: 'must hold settings as "name: value" lines' });
  } catch (error) {
    mistakes.push({ where: path, message: `cannot be read: ${(error as Error).message}` });
  }
  return [];
};

const mistakeIn = ({ where, key, value }: Given): Mistake | undefined => {
  const setting = settingFor.get(key);
  if (!setting) return { where, message: isSection(key) ? 'is a section, not a value' : 'is not a setting' };
  if (Value.Check(setting.schema, fromText(value, setting.schema.type))) return undefined;
  const shown = setting.schema.secret ? '' : `; it is ${JSON.stringify(value)}`;
  return { where, message: `must be ${expectation(setting)}${shown}` };
};

const put = (config: Record<string, unknown>, key: string, value: unknown): void => {
  const [section = '', name] = key.split('.');
  if (name === undefined) config[section] = value;
  else (config[section] as Record<string, unknown>)[name] = value;
};

const withDefaults = (given: readonly Given[]): Config => {
  const config: Record<string, unknown> = { s3: {}, worker: {} };
  for (const { key, schema } of settings) if (schema.default !== undefined) put(config, key, schema.default);
  for (const { key, value } of given) put(config, key, fromText(value, settingFor.get(key)?.schema.type));
  const { data, rootUrl, ...rest } = config as unknown as Config;
  return { ...rest, data: resolve(data), ...(rootUrl ? { rootUrl: rootUrl.replace(/\/+$/, '') } : {}) };
};

/** Mistakes that no single setting shows. */
const disagreements = ({ s3 }: Config): Mistake[] => {
  const mistakes: Mistake[] = [];
  const { bucket, endpoint, accessKeyId, secretAccessKey } = s3;
  if (!bucket && (endpoint || accessKeyId || secretAccessKey)) {
    mistakes.push({ where: 's3.bucket', message: 'is missing, though other settings of S3 are given' });
  }
  if (!accessKeyId !== !secretAccessKey) {
    const missing = accessKeyId ? 's3.secretAccessKey' : 's3.accessKeyId';
    mistakes.push({ where: missing, message: 'is missing: the key and its secret come together' });
  }
  return mistakes;
};

export interface ConfigSources {
  readonly env?: NodeJS.ProcessEnv;
  /** A YAML file; by default the one that TASKYARD_CONFIG names. */
  readonly file?: string | undefined;
  /** What the command line says; it goes before all others. */
  readonly overrides?: PartialConfig;
}

/**
 * Reads the configuration: defaults, then the file, then the environment, then the command line, each over the one
 * before. Throws one {@link ConfigError} that lists every mistake in every source.
 */
export const readConfig = ({ env = process.env, file, overrides = {} }: ConfigSources = {}): Config => {
  const mistakes: Mistake[] = [];
  const path = file ?? env.TASKYARD_CONFIG;
  const given = [
    ...(path ? fromFile(path, mistakes) : []),
    ...fromEnvironment(env),
    ...flatten(overrides, flagFor),
  ];
  mistakes.push(...given.flatMap((one) => mistakeIn(one) ?? []));
  if (mistakes.length === 0) {
    const config = withDefaults(given);
    mistakes.push(...disagreements(config));
    if (mistakes.length === 0) return config;
  }
  throw new ConfigError(mistakes);
};

/** The configuration as it may be shown: secrets are named, not told. */
export const printableConfig = (config: Config): Record<string, unknown> => {
  const shown = structuredClone(config) as Record<string, unknown>;
  for (const { key } of flatten(config, (name) => name)) {
    if (settingFor.get(key)?.schema.secret) put(shown, key, '[hidden]');
  }
  return shown;
};

/** The reference of all settings as a Markdown table, for `docs/reference/configuration.md`. */
export const configurationTable = (): string =>
  [
    '| setting | environment | default | meaning |',
    '|---|---|---|---|',
    ...settings.map(({ key, schema }) => {
      const standard = schema.default === undefined ? '' : `\`${schema.default}\``;
      const expected = expectation({ key, schema });
      const limits = expected === anyText ? '' : ` Must be ${expected}.`;
      const meaning = `${schema.description}${limits}${schema.secret ? ' Secret.' : ''}`;
      return `| \`${key}\` | \`${schema.env}\` | ${standard} | ${meaning} |`;
    }),
  ].join('\n');

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { parse } from 'yaml';
import { mistakesInStaticClients } from '../auth/index.ts';
import { mistakeInBrokerUrl, mistakeInDatabaseUrl } from '../base/index.ts';
import { mistakesInPlacement } from '../objects/index.ts';
import { reservedProviderIds } from '../worker-manager/index.ts';
import { projectFolder } from './project-folder.ts';
import type { Facts } from './setting-shapes.ts';
import { Config } from './settings.ts';

export { Config };

/** Some of the settings, from a file or a command line. */
export type PartialConfig = {
  readonly [K in keyof Config]?: Config[K] extends object
    ? Partial<Config[K]> | undefined
    : Config[K] | undefined;
};

/** A mistake in the configuration, and the source that contains it. */
export interface Mistake {
  readonly where: string;
  readonly message: string;
}

/** The configuration cannot be used. The error lists every mistake. */
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

/** The keywords of JSON schema that settings use. */
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
const sections = [...new Set(settings.flatMap(({ key }) => (key.includes('.') ? key.split('.', 1) : [])))];
const isSection = (key: string): boolean => sections.includes(key);

const anyText = 'a text that is not empty';

const expectation = ({ schema }: Setting): string => {
  if (schema.expects) return schema.expects;
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'integer') return `a whole number from ${schema.minimum} to ${schema.maximum}`;
  return schema.type === 'boolean' ? 'true or false' : anyText;
};

/** Converts a text of the environment or command line to the type of the schema. */
const fromText = (value: unknown, type: string | undefined): unknown => {
  if (type === 'integer' && typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  if (isStructured(type) && typeof value === 'string') return fromJson(value);
  return value;
};

const isStructured = (type: string | undefined): boolean => type === 'array' || type === 'object';

/** The value of a JSON text; the text itself when it is not JSON, which is no valid structured setting. */
const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** A setting's value in one source. */
interface GivenValue {
  readonly where: string;
  readonly key: string;
  readonly value: unknown;
}

const fromEnvironment = (env: NodeJS.ProcessEnv): GivenValue[] =>
  settings.flatMap(({ key, schema }) => {
    const value = env[schema.env];
    return value ? [{ where: schema.env, key, value }] : [];
  });

const flatten = (source: object, name: (key: string) => string, prefix = ''): GivenValue[] =>
  Object.entries(source).flatMap(([part, value]) => {
    const key = prefix + part;
    if (isSection(key) && typeof value === 'object' && value !== null) return flatten(value, name, `${key}.`);
    return value === undefined ? [] : [{ where: name(key), key, value }];
  });

const flagFor = (key: string): string =>
  `--${key.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const fromFile = (path: string, mistakes: Mistake[]): GivenValue[] => {
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

const mistakeIn = ({ where, key, value }: GivenValue): Mistake | undefined => {
  const setting = settingFor.get(key);
  if (!setting) return { where, message: isSection(key) ? 'is a section, not a value' : 'is not a setting' };
  const read = fromText(value, setting.schema.type);
  if (Value.Check(setting.schema, read)) return undefined;
  if (isStructured(setting.schema.type)) return { where, message: structuralMistake(setting, read) };
  const shown = setting.schema.secret ? '' : `; it is ${JSON.stringify(value)}`;
  return { where, message: `must be ${expectation(setting)}${shown}` };
};

/** Names the part of a structured setting with the mistake. The value is not shown, since it may be a secret. */
const structuralMistake = (setting: Setting, value: unknown): string => {
  const [first] = [...Value.Errors(setting.schema, value)];
  const place = first?.instancePath ? `${first.instancePath} ${first.message}` : 'it is something else';
  return `must be ${expectation(setting)}; ${place}`;
};

const put = (config: Record<string, unknown>, key: string, value: unknown): void => {
  const [section = '', name] = key.split('.');
  if (name === undefined) config[section] = value;
  else (config[section] as Record<string, unknown>)[name] = value;
};

const withDefaults = (given: readonly GivenValue[]): Config => {
  const config: Record<string, unknown> = Object.fromEntries(sections.map((section) => [section, {}]));
  for (const { key, schema } of settings) if (schema.default !== undefined) put(config, key, schema.default);
  for (const { key, value } of given) put(config, key, fromText(value, settingFor.get(key)?.schema.type));
  const { data, rootUrl, worker, ...rest } = config as unknown as Config;
  // The checked folder is the one that is shown, even if a link changes later.
  const project = worker.project === undefined ? undefined : projectFolder(worker.project).path;
  return {
    ...rest,
    worker: project === undefined ? worker : { ...worker, project },
    data: resolve(data),
    ...(rootUrl ? { rootUrl: rootUrl.replace(/\/+$/, '') } : {}),
  };
};

/** Mistakes in combinations of settings. */
const disagreements = (config: Config): Mistake[] => [
  ...mistakesInStaticClients(config.staticClients ?? []).map((message) => ({
    where: 'staticClients',
    message,
  })),
  ...mistakesInPlacement({ ...config.objects, standard: standardBackend(config) }).map(
    ([setting, message]) => ({ where: `objects.${setting}`, message }),
  ),
  ...mistakesInDatabase(config),
  ...mistakesInBroker(config),
  ...halves(config.sentry, 'sentry', 'organization', 'authToken'),
  ...halves(config.sentry, 'sentry', 'organization', 'team'),
  ...halves(config.oidc, 'oidc', 'issuer', 'clientId'),
  ...halves(config.oidc, 'oidc', 'issuer', 'clientSecret'),
  ...halves(config.github, 'github', 'oauthClientId', 'oauthClientSecret'),
  ...halves(config.github, 'github', 'appId', 'privateKey'),
  ...halves(config.github, 'github', 'appId', 'webhookSecret'),
  ...disagreementsOfS3(config),
  ...halves(config.notify, 'notify', 'smtpUrl', 'emailFrom'),
  ...halves(config.notify, 'notify', 'matrixUrl', 'matrixAccessToken'),
  ...mistakesInProject(config.worker),
  ...reservedProviderIds
    .filter((id) => config.providers && id in config.providers)
    .map((id) => ({
      where: `providers.${id}`,
      message: 'is the name of a built-in provider: choose another one',
    })),
];

const mistakesInDatabase = (config: Config): Mistake[] => {
  const urls = (['databaseUrl', 'databaseSessionUrl'] as const).flatMap((where) => {
    const mistake = mistakeInDatabaseUrl(config[where]);
    return mistake === undefined ? [] : [{ where, message: mistake }];
  });
  if (config.databaseUrl !== undefined || config.databaseSessionUrl === undefined) return urls;
  return [...urls, { where: 'databaseUrl', message: 'is missing, though databaseSessionUrl is given' }];
};

const mistakesInBroker = ({ amqpUrl }: Config): Mistake[] => {
  const message = mistakeInBrokerUrl(amqpUrl);
  return message === undefined ? [] : [{ where: 'amqpUrl', message }];
};

const mistakesInProject = ({ project }: Config['worker']): Mistake[] => {
  const { mistake } = project === undefined ? {} : projectFolder(project);
  return mistake === undefined ? [] : [{ where: 'worker.project', message: mistake }];
};

/** The name of the default backend. */
export const standardBackend = ({ s3 }: Pick<Config, 's3'>): string => (s3.bucket ? 's3' : 'disk');

/** Two settings that belong together. */
const halves = <Section extends object>(
  values: Section,
  section: string,
  ...[one, other]: [keyof Section & string, keyof Section & string]
): Mistake[] => {
  if (!values[one] === !values[other]) return [];
  const [given, missing] = values[one] ? [one, other] : [other, one];
  return [{ where: `${section}.${missing}`, message: `is missing, though ${section}.${given} is given` }];
};

const disagreementsOfS3 = ({ s3 }: Config): Mistake[] => {
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
  /** The settings of the command line, which override all others. */
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

/** The part of the environment that is passed to programs that should know nothing of the platform. */
const plainVariables = new Set(
  (
    'PATH HOME USER LOGNAME SHELL LANG LC_ALL LC_CTYPE TZ TMPDIR XDG_RUNTIME_DIR DOCKER_HOST ' +
    'HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy ' +
    'SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS ' +
    // Which traces are exported, and how: the same on the workers as here. Headers may hold a password.
    'OTEL_SDK_DISABLED OTEL_TRACES_EXPORTER OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG ' +
    'OTEL_EXPORTER_OTLP_PROTOCOL OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ' +
    'OTEL_EXPORTER_OTLP_CERTIFICATE OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE'
  ).split(' '),
);

/** The environment for workers on this machine. */
export const plainEnvironment = (env: NodeJS.ProcessEnv = process.env): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && plainVariables.has(name) ? [[name, value]] : [],
    ),
  );

/** The configuration for display: secrets are listed without their values. */
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

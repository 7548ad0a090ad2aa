import { existsSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import Value from 'typebox/value';
import { WorkerConfig } from './config-schema.ts';
import { defaultContainerSettings } from './engines/index.ts';
import { systemPath } from './program-environment.ts';
import { defaultMetadataEndpoint } from './registration/index.ts';
import { expectationOf, type SettingShape } from './setting-shapes.ts';
import type { WorkerOptions } from './worker-options.ts';

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

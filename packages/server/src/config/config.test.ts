import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  ConfigError,
  type ConfigSources,
  configurationTable,
  type Mistake,
  plainEnvironment,
  printableConfig,
  readConfig,
} from './config.ts';

const folder = await mkdtemp(join(tmpdir(), 'taskyard-config-'));
after(() => rm(folder, { recursive: true }));

const aFile = async (text: string): Promise<string> => {
  const path = join(folder, 'taskyard.yml');
  await writeFile(path, text);
  return path;
};

const mistakesOf = (sources: ConfigSources): readonly Mistake[] => {
  try {
    readConfig(sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.mistakes;
  }
  return [];
};

/** Why a folder cannot be shown to tasks, with the folder of these tests as the user's home. */
const mistakeInProject = (project: string): string | undefined => {
  const { HOME } = process.env;
  process.env.HOME = folder;
  try {
    return mistakesOf({ env: { WORKER_PROJECT: project } })[0]?.message;
  } finally {
    process.env.HOME = HOME;
  }
};

describe('the configuration', () => {
  it('has a default for every required setting', () => {
    const config = readConfig({ env: {} });
    assert.equal(config.host, '127.0.0.1');
    assert.equal(config.port, 8080);
    assert.equal(config.claimTimeoutSeconds, 1200);
    assert.equal(config.data, resolve('.taskyard'));
    assert.equal(config.databaseUrl, undefined);
    assert.deepEqual(config.s3, { region: 'us-east-1', forcePathStyle: false });
  });

  it('prefers the file to defaults, the environment to the file, and the command line to all', async () => {
    const file = await aFile(
      'port: 1\nhost: 0.0.0.0\nlogLevel: warn\ns3:\n  bucket: things\nworker: { enabled: false }\n',
    );
    const env = { PORT: '2', LOG_LEVEL: 'error', TASKYARD_CONFIG: file };
    const config = readConfig({ env, overrides: { port: 3 } });
    assert.equal(config.port, 3);
    assert.equal(config.logLevel, 'error');
    assert.equal(config.host, '0.0.0.0');
    assert.equal(config.s3.bucket, 'things');
    assert.equal(config.worker.enabled, false);
  });

  it('treats an empty variable as missing, and removes the last slash of a root URL', () => {
    const config = readConfig({ env: { PORT: '', ROOT_URL: 'https://tasks.example.com/' } });
    assert.equal(config.port, 8080);
    assert.equal(config.rootUrl, 'https://tasks.example.com');
  });

  it('shows tasks no root, home or system folder, under any name', async () => {
    const project = join(folder, 'project');
    await mkdir(project);
    const links = { root: '/', home: folder, above: join(folder, '..'), system: '/etc', own: project };
    for (const [name, target] of Object.entries(links)) await symlink(target, join(project, name));
    assert.equal(mistakeInProject('/'), 'is the root of this machine');
    assert.equal(mistakeInProject(join(project, 'root')), 'is the root of this machine');
    for (const path of [folder, join(project, 'home'), join(project, 'above'), `${project}/..`])
      assert.match(String(mistakeInProject(path)), /^is a home folder, or around one/, path);
    for (const path of [
      '/usr',
      '/etc',
      '/etc/ssl',
      '/var',
      '/var/lib',
      '/proc/self',
      join(project, 'system'),
    ])
      assert.match(String(mistakeInProject(path)), /^is a folder of the system/, path);
    for (const path of [join(project, 'missing'), join(folder, 'taskyard.yml')])
      assert.equal(mistakeInProject(path), 'is not a folder of this machine');
    const { worker } = readConfig({ env: { WORKER_PROJECT: join(project, 'own') } });
    assert.equal(worker.project, await realpath(project));
  });

  it('reports all mistakes of all sources together', async () => {
    const file = await aFile('prot: 80\nrole: boss\ns3: 7\nworker:\n  capacity: 0\n  colour: red\n');
    const mistakes = mistakesOf({
      env: { PORT: 'eighty', TRUST_PROXY: 'maybe' },
      file,
      overrides: { databaseUrl: 'mysql://user:hunter2@db/x', claimTimeoutSeconds: 0.5 },
    });
    assert.deepEqual(mistakes, [
      { where: `${file}: prot`, message: 'is not a setting' },
      { where: `${file}: role`, message: 'must be one of all, api, background; it is "boss"' },
      { where: `${file}: s3`, message: 'is a section, not a value' },
      { where: `${file}: worker.capacity`, message: 'must be a whole number from 1 to 1000; it is 0' },
      { where: `${file}: worker.colour`, message: 'is not a setting' },
      { where: 'PORT', message: 'must be a whole number from 0 to 65535; it is "eighty"' },
      { where: 'TRUST_PROXY', message: 'must be true or false; it is "maybe"' },
      { where: '--database-url', message: 'must be a URL that starts with postgres://' },
      { where: '--claim-timeout-seconds', message: 'must be a whole number from 1 to 86400; it is 0.5' },
    ]);
  });

  it('says which file it could not read', async () => {
    assert.match(
      mistakesOf({ env: {}, file: join(folder, 'nowhere.yml') })[0]?.message ?? '',
      /cannot be read/,
    );
    assert.match(mistakesOf({ env: {}, file: await aFile('a: [') })[0]?.message ?? '', /cannot be read/);
    assert.match(mistakesOf({ env: {}, file: await aFile('- a') })[0]?.message ?? '', /"name: value" lines/);
  });

  it('requires a bucket for the settings of S3, and a secret for its key', () => {
    const env = { S3_ENDPOINT: 'http://localhost:9000', S3_ACCESS_KEY_ID: 'me' };
    assert.deepEqual(
      mistakesOf({ env }).map(({ where }) => where),
      ['s3.bucket', 's3.secretAccessKey'],
    );
  });

  it('requires both of two settings that belong together', () => {
    const env = { SMTP_URL: 'smtp://mail.example.com', MATRIX_ACCESS_TOKEN: 'token' };
    assert.deepEqual(
      mistakesOf({ env }).map(({ where }) => where),
      ['notify.emailFrom', 'notify.matrixUrl'],
    );
  });

  it('reads structured settings from YAML and JSON, and names the place of a mistake without the value', async () => {
    const client = { clientId: 'static/a', accessToken: 'a'.repeat(22), description: '', scopes: ['x'] };
    const given = readConfig({ env: { STATIC_CLIENTS: JSON.stringify([client]) } });
    assert.deepEqual(given.staticClients, [client]);
    const file = await aFile(
      'objects:\n  backendMap:\n    - { backendId: disk, when: { name: { prefix: a/ } } }\n',
    );
    assert.deepEqual(readConfig({ env: {}, file }).objects.backendMap, [
      { backendId: 'disk', when: { name: { prefix: 'a/' } } },
    ]);
    const tellsOf = (env: Record<string, string>) => {
      const text = mistakesOf({ env }).map(({ where, message }) => `${where}: ${message}`);
      assert.equal(text.length, 1);
      assert.doesNotMatch(text[0] ?? '', /hunter2/);
      return text[0] ?? '';
    };
    const short = JSON.stringify([{ ...client, accessToken: 'hunter2' }]);
    assert.match(
      tellsOf({ STATIC_CLIENTS: short }),
      /^STATIC_CLIENTS: must be a list of clients.*\/0\/accessToken/,
    );
    assert.match(tellsOf({ STATIC_CLIENTS: '[{"hunter2"' }), /must be a list/);
    const bad = '[{"backendId":"disk","when":{"name":{"regexp":"("}}}]';
    assert.match(tellsOf({ BACKEND_MAP: bad }), /BACKEND_MAP: must be a list of rules/);
    const unknown = '[{"backendId":"none","when":"all"}]';
    assert.match(tellsOf({ BACKEND_MAP: unknown }), /objects.backendMap: names the backend none/);
    const stranger = JSON.stringify([{ ...client, clientId: 'a' }]);
    assert.match(tellsOf({ STATIC_CLIENTS: stranger }), /staticClients: a: must begin with static/);
  });

  it('prints no secret', () => {
    const env = { DATABASE_URL: 'postgres://u:hunter2@db/x', S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'k' };
    const mail = { SMTP_URL: 'smtp://u:hunter2@mail', EMAIL_SOURCE_ADDRESS: 'yard@example.com' };
    const keys = [{ accessKeyId: 'k', secretAccessKey: 'hunter2', buckets: ['b'] }];
    const parties = { AWS_CREDENTIALS_ALLOWED_BUCKETS: JSON.stringify(keys) };
    const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://u:hunter2@collector.example.com' };
    const config = readConfig({
      env: { ...env, S3_SECRET_ACCESS_KEY: 'hunter2', ...mail, ...parties, ...traces },
    });
    const shown = JSON.stringify(printableConfig(config));
    assert.doesNotMatch(shown, /hunter2/);
    assert.match(shown, /"databaseUrl":"\[hidden\]"/);
    assert.equal(config.s3.secretAccessKey, 'hunter2');
  });

  it('does not pass its settings to the workers that it starts', () => {
    const environment = {
      PATH: '/bin',
      LANG: 'C',
      DATABASE_URL: 'postgres://x',
      TASKCLUSTER_ROOT_URL: 'http://x',
    };
    assert.deepEqual(plainEnvironment(environment), { PATH: '/bin', LANG: 'C' });
  });

  it('lets the workers that it starts export the traces that it exports itself, without its password', () => {
    const shared = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' };
    const environment = { ...shared, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hunter2' };
    assert.deepEqual(plainEnvironment(environment), shared);
  });

  it('refuses the names of built-in providers', () => {
    const overrides = { providers: { local: { providerType: 'static' } } } as const;
    assert.throws(() => readConfig({ env: {}, overrides }), /providers\.local/);
  });

  it('names mistakes in the URLs of database and broker without what they say', () => {
    const env = {
      AMQP_URL: 'amqp://u:hunter2@one,two:x/y',
      DATABASE_URL: 'postgres://u:hunter2@one,two/x?target_session_attrs=standby',
      DATABASE_SESSION_URL: 'postgres://u:hunter2@one:x/x',
    };
    assert.throws(
      () => readConfig({ env }),
      (error: ConfigError) => {
        assert.match(error.message, /databaseUrl: has a target_session_attrs that is neither/);
        assert.match(error.message, /databaseSessionUrl: has a host that is none/);
        assert.match(error.message, /amqpUrl: has a host that is none/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
    const alone = { DATABASE_SESSION_URL: 'postgres://u@one/x' };
    assert.throws(() => readConfig({ env: alone }), /databaseUrl: is missing, though databaseSessionUrl/);
  });

  it('is described in docs/reference/configuration.md', async () => {
    const page = new URL('../../../../docs/reference/configuration.md', import.meta.url);
    const [, table] = (await readFile(page, 'utf8')).split(/<!-- settings -->\n|\n<!-- \/settings -->/);
    assert.equal(table, configurationTable());
  });
});

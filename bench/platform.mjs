// A platform of the bench's own: PostgreSQL with the settings of the embedded one, and `taskyard serve` beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const { connect, silentLog, startEmbeddedPostgres } = await import(
  '../packages/server/dist/base/index.js'
).catch((cause) => {
  throw new Error('The server is not compiled. Run `npm run build` first.', { cause });
});

// The processes that we have started must end with us, which depends on the exit handler.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** A new folder that git does not see. It is not a temporary one: those may lie in memory, where fsync costs nothing. */
export const newFolder = (name) => {
  mkdirSync(join(root, '.scratch'), { recursive: true });
  return mkdtempSync(join(root, '.scratch', `${name}-`));
};

export const removeFolder = (folder) =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

/** Starts a PostgreSQL, with a pool of connections as the server opens them. */
export const startPostgres = async (dataDir, settings = {}) => {
  const postgres = await startEmbeddedPostgres({ dataDir, log: silentLog, settings });
  const db = connect({ url: postgres.url, poolSizeMax: 4 });
  return {
    url: postgres.url,
    pid: postgres.pid,
    db,
    stop: async () => {
      await db.close();
      await postgres.stop();
    },
  };
};

const ours =
  /^(TASKYARD|TASKCLUSTER|TASK|WORKER|S3|LOG|EXCHANGE)_|^(PORT|HOST|ROLE|WORKER)$|^(DATABASE|AMQP|ROOT)_URL$/;
const plainEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));

const readyUrl = (child) =>
  new Promise((resolve, reject) => {
    child.once('exit', (code, signal) =>
      reject(new Error(`The platform ended at its start: ${code ?? signal}`)),
    );
    createInterface(child.stdout).on('line', (line) => {
      const [url] = line.match(/https?:\/\/[^\s/]+/) ?? [];
      if (url) resolve(url);
    });
  });

const readCredentials = (dataDir) => {
  const text = readFileSync(join(dataDir, 'credentials.env'), 'utf8');
  const value = (name) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(text)?.[1];
  return { clientId: value('TASKCLUSTER_CLIENT_ID'), accessToken: value('TASKCLUSTER_ACCESS_TOKEN') };
};

const startServer = async ({ dataDir, databaseUrl, nodeOptions, checkout }) => {
  const taskyard = join(checkout, 'packages/cli/bin/taskyard.js');
  const words = ['serve', '--port', '0', '--data', dataDir, '--no-worker'];
  const child = spawn(process.execPath, [...nodeOptions, taskyard, ...words], {
    cwd: checkout,
    // What is measured may also run without fsync.
    env: { ...plainEnvironment(), LOG_LEVEL: 'warn', DATABASE_URL: databaseUrl, DATABASE_MAY_LOSE: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  return {
    pid: child.pid,
    rootUrl: await readyUrl(child),
    stop: async () => {
      process.off('exit', end);
      end();
      await ended;
    },
  };
};

/**
 * Starts a platform without a worker. `nodeOptions` go to the server's Node, `settings` to PostgreSQL; `checkout` is the folder
 * of another build of the server.
 */
export const startPlatform = async ({ nodeOptions = [], settings = {}, checkout = root } = {}) => {
  const folder = newFolder('bench');
  const dataDir = join(folder, 'data');
  const postgres = await startPostgres(folder, settings);
  const server = await startServer({ dataDir, databaseUrl: postgres.url, nodeOptions, checkout }).catch(
    async (error) => {
      await postgres.stop();
      removeFolder(folder);
      throw error;
    },
  );
  return {
    rootUrl: server.rootUrl,
    credentials: readCredentials(dataDir),
    databaseUrl: postgres.url,
    db: postgres.db,
    pids: { server: server.pid, postgres: postgres.pid },
    stop: async () => {
      await server.stop();
      await postgres.stop();
      removeFolder(folder);
    },
  };
};

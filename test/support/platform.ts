import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { programAt, within } from '@taskyard/patience';
import { linkMadeDatabase, removeDataFolder } from './made-database.ts';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
/** `taskyard` as users start it. */
export const taskyardItself = join(root, 'packages/cli/bin/taskyard.js');
/** The same program in the form that is quick to start. */
export const taskyard = programAt(taskyardItself);

export interface Credentials {
  readonly clientId: string;
  readonly accessToken: string;
}

/** The platform as a user starts it: `taskyard serve`, a process of its own. */
export interface Platform {
  readonly rootUrl: string;
  /** May do everything. */
  readonly credentials: Credentials;
  readonly process: ChildProcess;
  /** SIGTERM, and waits for the end; returns the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
}

const ours =
  /^(TASKYARD|TASKCLUSTER|TASK|WORKER|S3|LOG|EXCHANGE|DATABASE|OTEL)_|^(PORT|HOST|ROLE|WORKER|PROCESSES|METRICS_PORT)$|^(DATABASE|AMQP|ROOT)_URL$/;

/** The environment without what would steer the platform, and without the mark of the test runner's own processes. */
export const plainEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !ours.test(name) && name !== 'NODE_TEST_CONTEXT'),
  );

/** Reads `NAME=value` lines. */
export const readVariables = async (path: string): Promise<Readonly<Record<string, string>>> => {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf('=')).replace(/^export /, ''),
      line.slice(line.indexOf('=') + 1).replace(/^(['"])(.*)\1$/, '$2'),
    ]),
  );
};

const readUrl = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error('The platform was started without an output to read');
    child.once('exit', (code, signal) =>
      reject(new Error(`The platform ended at its start: ${code ?? signal}`)),
    );
    createInterface(child.stdout).on('line', (line) => {
      const [url] = line.match(/https?:\/\/[^\s/]+/) ?? [];
      if (url) resolve(url);
    });
  });

interface PlatformOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where its log goes, as the descriptor of an open file; by default to our standard error. */
  readonly log?: number | undefined;
  /** More of the command line. */
  readonly words?: readonly string[] | undefined;
  readonly program: string;
}

/** Starts the platform, on a free port unless PORT says otherwise, and waits until it says that it is ready. */
const startPlatform = async ({
  dataDir,
  env,
  log,
  words = [],
  program,
}: PlatformOptions): Promise<Platform> => {
  const command = [program, 'serve', '--port', env.PORT ?? '0', '--data', dataDir, ...words];
  const child = spawn(process.execPath, command, {
    cwd: root,
    // Databases of tests are written without fsync.
    env: { ...plainEnvironment(), LOG_LEVEL: 'warn', DATABASE_MAY_LOSE: 'true', ...env },
    stdio: ['ignore', 'pipe', log ?? 'inherit'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return (await within(`the platform to end after ${signal}`, exit))[0];
  };
  const rootUrl = await within('the platform to start', readUrl(child)).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  const variables = await readVariables(join(dataDir, 'credentials.env'));
  return {
    rootUrl,
    credentials: {
      clientId: variables.TASKCLUSTER_CLIENT_ID ?? '',
      accessToken: variables.TASKCLUSTER_ACCESS_TOKEN ?? '',
    },
    process: child,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
};

/** A data folder, and the platforms that a test starts on it, one after the other. */
export interface Home {
  readonly path: string;
  start(env?: Readonly<Record<string, string>>, log?: number, ...words: string[]): Promise<Platform>;
}

/** A test, or whatever else ends at some time and cleans up then. */
export interface Ending {
  after(cleanUp: () => Promise<void>): void;
}

/** A new data folder for platforms of a program. When the test ends, so do its platforms, and then it is removed. */
export const aHome = async (test: Ending, program = taskyard): Promise<Home> => {
  const path = await mkdtemp(join(tmpdir(), 'taskyard-test-'));
  const platforms: Platform[] = [];
  test.after(async () => {
    await Promise.all(platforms.map((platform) => platform.stop()));
    await removeDataFolder(path);
  });
  return {
    path,
    start: async (env = {}, log = undefined, ...words) => {
      if (env.DATABASE_URL === undefined) await linkMadeDatabase(path);
      const platform = await startPlatform({ dataDir: path, env, log, words, program });
      platforms.push(platform);
      return platform;
    },
  };
};

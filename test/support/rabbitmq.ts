import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, leftOutFor, patienceMs, within } from '@taskyard/patience';
import { connect } from 'amqplib';
import { freePort } from './free-port.ts';
import type { Ending } from './platform.ts';

// Debian's programs without the wrapper around them, which insists on a user of its own.
const programs = '/usr/lib/rabbitmq/bin';

/** Why tests with a broker are left out; `false` where they can run. */
export const noRabbitMq = leftOutFor(
  !existsSync(join(programs, 'rabbitmq-server')) && 'RabbitMQ is not installed',
);

/** A RabbitMQ of a test's own. Its data and its port outlive its ends. */
export interface RabbitMq {
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
  /** Runs `rabbitmqctl`. */
  control(...words: string[]): Promise<void>;
}

/** It is ready when it shakes hands: the port is open some time before. */
const answers = (url: string): Promise<boolean> =>
  connect(url, { timeout: patienceMs / 4 }).then(
    (connection) => connection.close().then(() => true),
    () => false,
  );

interface Places {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

const prepare = async (port: number): Promise<Places> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-rabbitmq-'));
  const inside = (name: string) => join(folder, name);
  await mkdir(inside('home'));
  await writeFile(inside('enabled_plugins'), '[].\n');
  const settings = [
    `listeners.tcp.default = 127.0.0.1:${port}`,
    'distribution.listener.interface = 127.0.0.1',
    'log.console = false',
    'log.file.level = warning',
    'disk_free_limit.absolute = 1MB',
    'max_message_size = 65536',
  ];
  await writeFile(inside('rabbitmq.conf'), `${settings.join('\n')}\n`);
  const environment = {
    PATH: process.env.PATH,
    HOME: inside('home'),
    RABBITMQ_NODENAME: `taskyard-${port}@localhost`,
    RABBITMQ_CONFIG_FILE: inside('rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: inside('none'),
    RABBITMQ_MNESIA_BASE: inside('mnesia'),
    RABBITMQ_LOG_BASE: inside('log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: inside('enabled_plugins'),
    RABBITMQ_PID_FILE: inside('pid'),
    // By default it would be derived from the other port, and be somebody else's.
    RABBITMQ_DIST_PORT: String(await freePort()),
    // A directory of nodes of its own, so that it can end with the broker.
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(await freePort()),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
  };
  return { folder, environment };
};

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const run = promisify(execFile);

/** The directory of nodes ends once it has noticed that its last node is gone. */
const endDirectory = async (env: NodeJS.ProcessEnv): Promise<void> => {
  await eventually("the end of RabbitMQ's directory of nodes", () =>
    run('epmd', ['-kill'], { env }).then(
      () => true,
      (error: { stdout?: string }) => !/living nodes/.test(error.stdout ?? ''),
    ),
  );
};

/** A broker that is not started yet. When the test ends, so does it. */
export const aRabbitMq = async (test: Ending): Promise<RabbitMq> => {
  const port = await freePort();
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const { folder, environment } = await prepare(port);
  let child: ChildProcess | undefined;

  const kill = async (): Promise<void> => {
    if (!child) return;
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    // The shell script and the virtual machine below it are one group.
    signalGroup(child, 'SIGKILL');
    if (ended) await within('RabbitMQ to die', ended);
    child = undefined;
  };

  const start = async (): Promise<void> => {
    const started = spawn(join(programs, 'rabbitmq-server'), {
      env: environment,
      detached: true,
      stdio: 'ignore',
    });
    child = started;
    process.once('exit', () => signalGroup(started, 'SIGKILL'));
    await eventually('RabbitMQ to start', () => {
      if (started.exitCode !== null) throw new Error(`RabbitMQ ended at its start: ${started.exitCode}`);
      return answers(url);
    });
  };

  test.after(async () => {
    await kill();
    await endDirectory(environment);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  return {
    url,
    start,
    kill,
    control: async (...words) => {
      const node = ['-n', environment.RABBITMQ_NODENAME ?? ''];
      await run(join(programs, 'rabbitmqctl'), [...node, ...words], { env: environment });
    },
  };
};

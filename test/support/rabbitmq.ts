import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, leftOutFor, patienceMs, within } from '@taskyard/patience';
import { connect } from 'amqplib';
import { endings } from './endings.ts';
import { freePort } from './free-port.ts';
import type { Ending } from './platform.ts';

// Debian's programs without the wrapper around them, which insists on a user of its own.
const programs = '/usr/lib/rabbitmq/bin';

/** Why tests with a broker are left out; `false` where they can run. */
export const noRabbitMq = leftOutFor(
  !existsSync(join(programs, 'rabbitmq-server')) && 'RabbitMQ is not installed',
);

/** A RabbitMQ of a test's own, or a node of one. Its data and its port outlive its ends. */
export interface RabbitMq {
  readonly url: string;
  /** As Erlang knows it. */
  readonly nodeName: string;
  start(): Promise<void>;
  /** SIGKILL: no goodbye. */
  kill(): Promise<void>;
  /** Runs `rabbitmqctl`; returns what it printed. */
  control(...words: string[]): Promise<string>;
}

/** It is ready when it shakes hands: the port is open some time before. */
const answers = (url: string): Promise<boolean> =>
  connect(url, { timeout: patienceMs / 4 }).then(
    (connection) => connection.close().then(() => true),
    () => false,
  );

/** What the nodes of a broker share. */
interface Ground {
  readonly folder: string;
  /** Nodes with the same cookie believe each other. */
  readonly cookie: string;
  /** A directory of nodes of their own, so that it can end with them. */
  readonly directory: NodeJS.ProcessEnv;
}

const aGround = async (test: Ending): Promise<Ground> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-rabbitmq-'));
  const cookie = randomBytes(12).toString('hex');
  await writeFile(join(folder, '.erlang.cookie'), cookie, { mode: 0o400 });
  const directory = { ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(await freePort()) };
  test.after(async () => {
    await endDirectory({ PATH: process.env.PATH, ...directory });
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  return { folder, cookie, directory };
};

const nodeNameOf = (port: number): string => `taskyard-${port}@localhost`;

/** A node that finds this one at its first start becomes one broker with it. */
const joinTo = (first: RabbitMq | undefined, port: number): string[] =>
  first
    ? [
        'cluster_formation.peer_discovery_backend = classic_config',
        `cluster_formation.classic_config.nodes.1 = ${first.nodeName}`,
        `cluster_formation.classic_config.nodes.2 = ${nodeNameOf(port)}`,
      ]
    : [];

const prepare = async (ground: Ground, port: number, first?: RabbitMq): Promise<NodeJS.ProcessEnv> => {
  const inside = (name: string) => join(ground.folder, String(port), name);
  await mkdir(inside('.'));
  await writeFile(inside('enabled_plugins'), '[].\n');
  const settings = [
    `listeners.tcp.default = 127.0.0.1:${port}`,
    'distribution.listener.interface = 127.0.0.1',
    'cluster_partition_handling = pause_minority',
    'log.console = false',
    'log.file.level = warning',
    'disk_free_limit.absolute = 1MB',
    'max_message_size = 65536',
    ...joinTo(first, port),
  ];
  await writeFile(inside('rabbitmq.conf'), `${settings.join('\n')}\n`);
  return {
    PATH: process.env.PATH,
    HOME: ground.folder,
    ...ground.directory,
    RABBITMQ_NODENAME: nodeNameOf(port),
    RABBITMQ_CONFIG_FILE: inside('rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: inside('none'),
    RABBITMQ_MNESIA_BASE: inside('mnesia'),
    RABBITMQ_LOG_BASE: inside('log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: inside('enabled_plugins'),
    RABBITMQ_PID_FILE: inside('pid'),
    // By default it would be derived from the other port, and be somebody else's.
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
  };
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

const aNode = async (test: Ending, ground: Ground, first?: RabbitMq): Promise<RabbitMq> => {
  const port = await freePort();
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const environment = await prepare(ground, port, first);
  const nodeName = environment.RABBITMQ_NODENAME ?? '';
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
    await eventually('RabbitMQ to start', () => {
      if (started.exitCode !== null) throw new Error(`RabbitMQ ended at its start: ${started.exitCode}`);
      return answers(url);
    });
  };

  const control = async (...words: string[]): Promise<string> => {
    const program = join(programs, 'rabbitmqctl');
    return (await run(program, ['-n', nodeName, ...words], { env: environment })).stdout;
  };
  process.once('exit', () => {
    if (child) signalGroup(child, 'SIGKILL');
  });
  test.after(kill);
  return { url, nodeName, start, kill, control };
};

/** Ends what is added to it when the test ends, the last first. */
const endingWith = (test: Ending): Ending => {
  const { ending, runAll } = endings();
  test.after(runAll);
  return ending;
};

/** A broker that is not started yet. When the test ends, so does it. */
export const aRabbitMq = async (test: Ending): Promise<RabbitMq> => {
  const ends = endingWith(test);
  return aNode(ends, await aGround(ends));
};

/** Three nodes that are one broker. One that is cut off from the others pauses until it sees one of them again. */
export interface RabbitMqCluster {
  readonly nodes: readonly [RabbitMq, RabbitMq, RabbitMq];
  /** Cuts a node off from the two others, though not from clients. */
  cut(node: RabbitMq): Promise<void>;
  /** Ends that, and waits until it takes part again. */
  rejoin(node: RabbitMq): Promise<void>;
}

/** Starts a cluster. When the test ends, so does it. */
export const aRabbitMqCluster = async (test: Ending): Promise<RabbitMqCluster> => {
  const ends = endingWith(test);
  const ground = await aGround(ends);
  const first = await aNode(ends, ground);
  const nodes = [first, await aNode(ends, ground, first), await aNode(ends, ground, first)] as const;
  // Erlang's directory of nodes is started by the first.
  for (const node of nodes) await node.start();
  const trustOthers = (node: RabbitMq, cookie: string, more = ''): Promise<string> => {
    const others = nodes.filter((other) => other !== node).map(({ nodeName }) => `'${nodeName}'`);
    return node.control('eval', `[begin erlang:set_cookie(N, '${cookie}')${more} end || N <- [${others}]].`);
  };
  return {
    nodes,
    cut: async (node) => {
      await trustOthers(node, 'cut', ', erlang:disconnect_node(N)');
      await eventually('a node in the minority to pause', async () => !(await answers(node.url)));
    },
    rejoin: async (node) => {
      await trustOthers(node, ground.cookie);
      await eventually('the node to take part again', () => answers(node.url));
    },
  };
};

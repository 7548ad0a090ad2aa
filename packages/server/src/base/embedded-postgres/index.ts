import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { seconds, systemClock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { findBinaries } from './binaries.ts';
import {
  type ClusterPaths,
  clusterPaths,
  makeCluster,
  makeFolder,
  readPassword,
  superuser,
} from './cluster.ts';
import { Keeper } from './keeper.ts';
import { chooseLaunch } from './launch.ts';
import { isServed, type Started, startServer, waitForPrevious } from './postmaster.ts';
import { runProgram } from './programs.ts';
import { defaultSettings, settingArguments } from './settings.ts';

export interface EmbeddedPostgresOptions {
  /** The platform's data folder; PostgreSQL's files go to `postgres/` in it. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Settings of the server that differ from ours, for tests: `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * With it, a server that exits unexpectedly is restarted on its port, a few times. Called when that does not help: the
   * program should end then.
   */
  readonly onLost?: (error: Error) => void;
}

export interface EmbeddedPostgres {
  /** With user and password, by the socket in its folder where that is possible. */
  readonly url: string;
  /** The same server by the loopback device. */
  readonly tcpUrl: string;
  /** The process id of the server that runs now. */
  readonly pid: number;
  /** Ends all sessions and the server; safe to call twice. */
  stop(): Promise<void>;
}

/** A free port on the loopback device: the wanted one if it is free. */
const freePort = (wanted: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => (wanted === 0 ? reject(error) : resolve(freePort(0))));
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });

// The address of a socket is shorter than paths may be: 104 bytes on some systems.
const socketPathMax = 100;

/**
 * The folder of the server's socket. A statement through it costs a fifth less than over the loopback device, on both
 * sides. Undefined when the path is too long or the system has no such sockets: the loopback device is used then.
 */
const socketFolder = ({ folder }: ClusterPaths): string | undefined => {
  const isTooLong = Buffer.byteLength(join(folder, '.s.PGSQL.65535')) > socketPathMax;
  return process.platform === 'win32' || isTooLong ? undefined : folder;
};

/** The port of the last start, when it is free; a new one otherwise. */
const choosePort = async (paths: ClusterPaths): Promise<number> => {
  const stored = Number(await readFile(paths.port, 'utf8').catch(() => '0'));
  const port = await freePort(stored > 0 && stored < 65_536 ? stored : 0);
  await writeFile(paths.port, String(port), { mode: 0o600 });
  return port;
};

// Another program took the port after our check, or the processes of a killed server have not ended yet.
const passingTroubles = [
  /could not bind|could not create any TCP/,
  /pre-existing shared memory|postmaster\.pid" already exists/,
];
const troublePatience = seconds(15);

interface Start {
  readonly paths: ClusterPaths;
  readonly commandFor: (port: number) => string[];
  readonly findPort: () => Promise<number>;
}

/** Starts the server, and tries again when the obstacle is temporary. */
const startPatiently = async ({
  paths,
  commandFor,
  findPort,
}: Start): Promise<Extract<Started, { kind: 'ready' }> & { port: number }> => {
  const giveUpAt = systemClock.now().getTime() + troublePatience;
  for (;;) {
    const port = await findPort();
    const started = await startServer({ command: commandFor(port), paths });
    if (started.kind === 'ready') return { ...started, port };
    const mayPass = passingTroubles.some((trouble) => trouble.test(started.said));
    if (!mayPass || systemClock.now().getTime() > giveUpAt) {
      throw new Error(`PostgreSQL did not start. It wrote to ${paths.log}: ${started.said.slice(-2000)}`);
    }
    await systemClock.sleep(50);
  }
};

/** The major version of the PostgreSQL that comes with us. */
export const embeddedMajorVersion = async (): Promise<string> => {
  const { output } = await runProgram([(await findBinaries()).postgres, '--version']);
  return output.match(/\d+/)?.[0] ?? output;
};

/** Where the server that another process runs on the data in `dataDir` can be reached; undefined when none runs. */
export const runningPostgresUrl = async (dataDir: string): Promise<string | undefined> => {
  const paths = clusterPaths(resolve(dataDir));
  if (!(await isServed(paths.data))) return undefined;
  const [port, password] = await Promise.all([readFile(paths.port, 'utf8'), readPassword(paths)]);
  return `postgres://${superuser}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
};

/**
 * Starts a PostgreSQL server of our own on the data in `dataDir`, which it creates at the first start. Resolves when the
 * server accepts connections. It listens on a socket in its own folder and on the loopback device, never runs as root,
 * and ends with this process.
 */
export const startEmbeddedPostgres = async ({
  dataDir,
  log,
  settings = {},
  onLost,
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const paths = clusterPaths(resolve(dataDir));
  await mkdir(dataDir, { recursive: true });
  await makeFolder(paths);
  const binaries = await findBinaries();
  const password = await readPassword(paths);
  const launch = await chooseLaunch(binaries, paths.folder);
  await waitForPrevious(paths.data, launch.diesWithParent);
  await makeCluster(paths, { binaries, launch, durable: settings.fsync !== 'off' });
  const sockets = socketFolder(paths);
  const commandFor = (wanted: number) => [
    ...launch.prefix,
    binaries.postgres,
    '-D',
    paths.data,
    ...settingArguments({
      ...defaultSettings,
      unix_socket_directories: sockets ?? '',
      ...settings,
      port: String(wanted),
    }),
  ];
  const first = await startPatiently({ paths, commandFor, findPort: () => choosePort(paths) });
  const { port } = first;
  // Connected clients know it by this port.
  const startAgain = () => startPatiently({ paths, commandFor, findPort: async () => port });
  const keeper = new Keeper(first, { log, logFile: paths.log, startAgain, onLost });
  const urlAt = (host: string) =>
    `postgres://${superuser}:${encodeURIComponent(password)}@${host}:${port}/postgres`;
  return {
    url: urlAt(encodeURIComponent(sockets ?? '127.0.0.1')),
    tcpUrl: urlAt('127.0.0.1'),
    get pid() {
      return keeper.pid;
    },
    stop: () => keeper.stop(),
  };
};

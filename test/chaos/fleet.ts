import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endings } from '../support/endings.ts';
import { freePort } from '../support/free-port.ts';
import type { Address } from '../support/load.ts';
import { putMadeDatabase } from '../support/made-database.ts';
import { aHome, type Ending, type Platform } from '../support/platform.ts';
import { databaseUrlIn } from '../support/postgres.ts';
import { aRabbitMq, noRabbitMq, type RabbitMq } from '../support/rabbitmq.ts';
import { aPostgresProxy, aTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { type Disk, mountDisk, noDisk } from './disk.ts';
import { Machine } from './machine.ts';

/** What a fleet may lack, and why it does. */
export const lacks = { broker: noRabbitMq, disk: noDisk };

/** A small fleet, as an operator would run it, with proxies of ours between its parts. */
export interface Fleet {
  /** Two processes that serve the API, the background loops, and the PostgreSQL of all: on a disk of its own, if possible. */
  readonly first: Machine;
  /** One that serves the API. */
  readonly second: Machine;
  /** One for the background loops. */
  readonly background: Machine;
  readonly dataDir: string;
  readonly disk: Disk | undefined;
  readonly broker: RabbitMq | undefined;
  /** Between the database and all machines but the first. */
  readonly toDatabase: TcpProxy;
  /** Between the machines and the broker. */
  readonly toBroker: TcpProxy | undefined;
  /** Between callers and each of the two that serve the API. */
  readonly toApi: readonly TcpProxy[];
  /** Where callers go: through the proxies. */
  readonly addresses: readonly Address[];
  databaseUrl(): Promise<string>;
  /** Sets the clocks of all machines but the first wrong by this many milliseconds. */
  setClocksWrong(offsetMs: number): Promise<void>;
  /** Where logs are. */
  readonly folder: string;
  /** Ends it as an operator would; returns the exit codes by machine. */
  stop(): Promise<Record<string, number | null>>;
  /** Ends what still runs, and removes everything but the logs. */
  close(): Promise<void>;
  /** Removes the logs as well. */
  forget(): Promise<void>;
}

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

/** One that is there, and its proxy. */
const startBroker = async (ending: Ending): Promise<{ broker?: RabbitMq; toBroker?: TcpProxy }> => {
  if (lacks.broker) return {};
  const broker = await aRabbitMq(ending);
  await broker.start();
  return { broker, toBroker: await aTcpProxy(ending, broker.url) };
};

/** A machine that ends with the fleet, before what it uses. */
const aMachine = (ending: Ending, name: string, start: () => Promise<Platform>): Machine => {
  const machine = new Machine(name, start);
  ending.after(() => machine.abandon());
  return machine;
};

/** A folder for the first machine, on a disk of its own if possible. */
const aFirstHome = async (ending: Ending) => {
  const home = await aHome(ending);
  const disk = lacks.disk ? undefined : await mountDisk(ending, home.path);
  // What a link would lead to is on another disk.
  if (disk) await putMadeDatabase(home.path);
  return { home, disk };
};

/** Artifacts are kept in a folder that all machines see. */
const artifactsIn = (folder: string) => ({
  BACKENDS: JSON.stringify({ shared: { type: 'disk', folder } }),
  ARTIFACT_BACKEND: 'shared',
});

interface Beside {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: number;
  /** The file that says by how much its clock is wrong. */
  readonly clock: string;
}

/** Starts a machine whose clock can be set wrong. */
const startBeside = async (ending: Ending, { name, env, log, clock }: Beside): Promise<Machine> => {
  const home = await aHome(ending);
  const preload = new URL('./wrong-clock.js', import.meta.url).href;
  const withClock = { ...env, CHAOS_CLOCK: clock, NODE_OPTIONS: `--import=${preload}` };
  return aMachine(ending, name, () => home.start(withClock, log));
};

const commonSettings = {
  ENCRYPTION_KEYS: `chaos:${randomBytes(32).toString('base64')}`,
  WORKER: 'false',
  TASK_CLAIM_TIMEOUT: '4',
  EVENT_RETENTION: String(7 * 86_400),
  DATABASE_POOL_SIZE: '8',
  LOG_LEVEL: 'warn',
};

/** The folder of the fleet's logs, which outlives it, and the open files in it. */
const openLogs = async (ending: Ending) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-chaos-'));
  const openLog = async (name: string): Promise<number> => {
    const file = await open(join(folder, `${name}.log`), 'a');
    ending.after(() => file.close());
    return file.fd;
  };
  const [first, second, background] = [
    await openLog('first'),
    await openLog('second'),
    await openLog('background'),
  ];
  return { folder, first, second, background };
};

const assemble = async (ending: Ending, close: () => Promise<void>): Promise<Fleet> => {
  const { folder, ...logs } = await openLogs(ending);
  const clock = join(folder, 'clock');
  await writeFile(clock, '0');
  const { broker, toBroker } = await startBroker(ending);
  const ports = [await freePort(), await freePort()];
  const toApi = await Promise.all(ports.map((port) => aTcpProxy(ending, `http://127.0.0.1:${port}`)));
  const rootUrls = toApi.map(({ url }) => withoutSlash(url));
  const broking = toBroker ? { AMQP_URL: withoutSlash(toBroker.url) } : {};
  const { home, disk } = await aFirstHome(ending);
  const dataDir = home.path;
  const artifacts = artifactsIn(join(dataDir, 'shared'));
  const common = { ...commonSettings, ...broking, ...artifacts, ROOT_URL: rootUrls[0] ?? '' };
  const firstEnv = { ...common, PORT: String(ports[0]), PROCESSES: '2' };
  const first = aMachine(ending, 'the first server', () => home.start(firstEnv, logs.first));
  await first.up();
  const databaseUrl = () => databaseUrlIn(dataDir);
  const toDatabase = await aPostgresProxy(ending, await databaseUrl());
  const beside = { ...common, DATABASE_URL: toDatabase.url };
  const apiEnv = { ...beside, PORT: String(ports[1]), ROLE: 'api' };
  const second = await startBeside(ending, { name: 'the API server', env: apiEnv, log: logs.second, clock });
  const backgroundEnv = { ...beside, ROLE: 'background' };
  const name = 'the background';
  const background = await startBeside(ending, { name, env: backgroundEnv, log: logs.background, clock });
  const machines = [background, second, first];
  const { credentials } = await first.up();
  for (const machine of machines) await machine.up();
  return {
    ...{ first, second, background, dataDir, disk, broker, toDatabase, toBroker, toApi, folder, databaseUrl },
    addresses: rootUrls.map((rootUrl) => ({ rootUrl, credentials })),
    setClocksWrong: async (offsetMs) => {
      await writeFile(clock, String(offsetMs));
      for (const machine of [second, background]) (await machine.up()).process.kill('SIGUSR2');
    },
    stop: async () => {
      const codes: Record<string, number | null> = {};
      for (const machine of machines) codes[machine.name] = await machine.stop();
      return codes;
    },
    close,
    forget: () => rm(folder, { recursive: true, force: true }),
  };
};

/** Starts a fleet of three machines, with RabbitMQ where it is installed, and a disk that can be filled where that is allowed. */
export const startFleet = async (): Promise<Fleet> => {
  const { ending, runAll } = endings();
  try {
    return await assemble(ending, runAll);
  } catch (error) {
    await runAll();
    throw error;
  }
};

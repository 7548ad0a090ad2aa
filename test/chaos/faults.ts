import { eventually, pause } from '@taskyard/patience';
import { ask, postgresPidIn } from '../support/postgres.ts';
import { apiProcessesOf, childrenOf, processes } from '../support/processes.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import type { Fleet, lacks } from './fleet.ts';
import { now, type Span } from './history.ts';
import type { Machine } from './machine.ts';

/** What a fault is given. */
export interface Strike {
  readonly fleet: Fleet;
  readonly target: number;
  readonly lastsMs: number;
  readonly wrongClocks: Span[];
  /** Told at the moment from which recovery counts: when the fault has struck, or when one that lasts is over. */
  struck(): void;
}

/** A kind of fault. */
export interface Fault {
  readonly kind: string;
  /** What of a fleet it needs. */
  readonly needs?: keyof typeof lacks;
  /** Makes it, and takes it back where nobody else does. */
  strike(strike: Strike): Promise<void>;
}

const chosen = <T>(list: readonly T[], target: number): T => {
  if (list.length === 0) throw new Error('There is nothing to strike.');
  return list[target % list.length] as T;
};

const postgresOf = ({ dataDir }: Fleet): Promise<number> =>
  eventually('PostgreSQL to run', async () => (await postgresPidIn(dataDir)) || undefined);

const kill = (kind: string, machineOf: (fleet: Fleet) => Machine): Fault => ({
  kind,
  strike: async ({ fleet, struck }) => {
    await machineOf(fleet).kill();
    struck();
  },
});

/** Stops processes where they are, and lets them go on. */
const suspend = async (pids: readonly number[], { lastsMs, struck }: Strike): Promise<void> => {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await pause(lastsMs);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  struck();
};

const suspendMachine = (kind: string, machineOf: (fleet: Fleet) => Machine): Fault => ({
  kind,
  strike: async (strike) => suspend([(await machineOf(strike.fleet).up()).process.pid ?? 0], strike),
});

const anApiProcess = async ({ fleet, target }: Strike): Promise<number> =>
  chosen(apiProcessesOf((await fleet.first.up()).process.pid), target);

const killings: readonly Fault[] = [
  kill('kill the first server', ({ first }) => first),
  kill('kill an API server', ({ second }) => second),
  kill('kill the background', ({ background }) => background),
  {
    kind: 'kill an API process',
    strike: async (strike) => {
      process.kill(await anApiProcess(strike), 'SIGKILL');
      strike.struck();
    },
  },
];

const pauses: readonly Fault[] = [
  suspendMachine('pause the first server', ({ first }) => first),
  suspendMachine('pause an API server', ({ second }) => second),
  suspendMachine('pause the background', ({ background }) => background),
  {
    kind: 'pause an API process',
    strike: async (strike) => suspend([await anApiProcess(strike)], strike),
  },
];

const toPostgres = (kind: string, signal: NodeJS.Signals): Fault => ({
  kind,
  strike: async ({ fleet, struck }) => {
    process.kill(await postgresOf(fleet), signal);
    struck();
  },
});

const ofPostgres: readonly Fault[] = [
  toPostgres('kill PostgreSQL', 'SIGKILL'),
  toPostgres('stop PostgreSQL at once', 'SIGQUIT'),
  {
    kind: 'kill a session of PostgreSQL',
    strike: async ({ fleet, target, struck }) => {
      const all = processes();
      const children = childrenOf(await postgresOf(fleet), all);
      const sessions = children.filter((pid) => all.get(pid)?.command.startsWith('postgres: taskyard '));
      process.kill(chosen(sessions, target), 'SIGKILL');
      struck();
    },
  },
  {
    kind: 'end all sessions of PostgreSQL',
    strike: async ({ fleet, struck }) => {
      const text = `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'taskyard%'`;
      await ask(await fleet.databaseUrl(), text);
      struck();
    },
  },
  {
    kind: 'pause PostgreSQL',
    strike: async (strike) => {
      const pid = await postgresOf(strike.fleet);
      await suspend([pid, ...childrenOf(pid)], strike);
    },
  },
];

const cut = (kind: string, proxiesOf: (fleet: Fleet) => readonly TcpProxy[]): Fault => ({
  kind,
  strike: async ({ fleet, struck }) => {
    for (const proxy of proxiesOf(fleet)) proxy.resetAll();
    struck();
  },
});

/** Nothing passes; when it is over, connections break, as those of a network that was partitioned do. */
const silence = (kind: string, proxiesOf: (fleet: Fleet) => readonly TcpProxy[]): Fault => ({
  kind,
  strike: async ({ fleet, lastsMs, struck }) => {
    for (const proxy of proxiesOf(fleet)) proxy.blackhole();
    await pause(lastsMs);
    for (const proxy of proxiesOf(fleet)) {
      proxy.resetAll();
      proxy.flow();
    }
    struck();
  },
});

const slow = (kind: string, proxiesOf: (fleet: Fleet) => readonly TcpProxy[]): Fault => ({
  kind,
  strike: async ({ fleet, lastsMs, target, struck }) => {
    for (const proxy of proxiesOf(fleet)) proxy.delay(20 + (target % 180));
    await pause(lastsMs);
    for (const proxy of proxiesOf(fleet)) proxy.delay(0);
    struck();
  },
});

const ofTheNetwork: readonly Fault[] = [
  cut('cut the database', ({ toDatabase }) => [toDatabase]),
  silence('silence the database', ({ toDatabase }) => [toDatabase]),
  slow('slow the database', ({ toDatabase }) => [toDatabase]),
  cut('cut callers', ({ toApi }) => toApi),
  silence('silence an API', ({ toApi }) => toApi.slice(1)),
  slow('slow callers', ({ toApi }) => toApi),
];

const ofTheBroker: readonly Fault[] = [
  { ...cut('cut the broker', ({ toBroker }) => (toBroker ? [toBroker] : [])), needs: 'broker' },
  {
    kind: 'kill the broker',
    needs: 'broker',
    strike: async ({ fleet: { broker }, struck }) => {
      await broker?.kill();
      struck();
      await broker?.start();
    },
  },
];

const ofTheMachine: readonly Fault[] = [
  {
    kind: 'fill the disk',
    needs: 'disk',
    strike: async ({ fleet: { disk }, lastsMs, struck }) => {
      await disk?.fill();
      await pause(lastsMs);
      await disk?.empty();
      struck();
    },
  },
  {
    kind: 'set clocks wrong',
    strike: async ({ fleet, lastsMs, target, wrongClocks, struck }) => {
      const span: Span = { from: now(), to: Number.POSITIVE_INFINITY };
      wrongClocks.push(span);
      await fleet.setClocksWrong((target % 2 === 0 ? 1 : -1) * 10_000);
      await pause(lastsMs);
      await fleet.setClocksWrong(0);
      span.to = now();
      struck();
    },
  },
];

/** All kinds of faults. */
export const faults: readonly Fault[] = [
  ...killings,
  ...pauses,
  ...ofPostgres,
  ...ofTheNetwork,
  ...ofTheBroker,
  ...ofTheMachine,
];

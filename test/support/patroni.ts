import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { databasesFolder, eventually, leftOutFor, within } from '@taskyard/patience';
import { endings } from './endings.ts';
import { freePort } from './free-port.ts';
import type { Ending } from './platform.ts';
import { childrenOf, processes } from './processes.ts';

const programs = {
  patroni: '/usr/bin/patroni',
  etcd: '/usr/bin/etcd',
  postgres: '/usr/lib/postgresql/15/bin',
};

const missing = Object.values(programs).filter((path) => !existsSync(path));

/** Why tests with Patroni are left out; `false` where they can run. */
export const noPatroni = leftOutFor(missing.length > 0 && `not installed: ${missing.join(', ')}`);

// PostgreSQL and Patroni refuse to run as root.
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : ['env'];

/** A member of a cluster: a Patroni, and the PostgreSQL that it keeps. */
export interface Member {
  readonly name: string;
  /** Host and port of its PostgreSQL. */
  readonly place: string;
  /** SIGKILL to both, as when a machine loses its power. */
  kill(): Promise<void>;
  /** SIGSTOP to all of its processes, and SIGCONT. */
  pause(): void;
  resume(): void;
  /** Starts it again after {@link Member.kill}. */
  start(): void;
}

/** Three PostgreSQL 15 that Patroni keeps by an etcd, with a synchronous standby. */
export interface PatroniCluster {
  /** Names all members, as an operator writes it. */
  readonly url: string;
  urlOf(member: Member): string;
  /** The member that is the primary, once it is another one than `former`. */
  primary(former?: Member): Promise<Member>;
  /** Until it has a synchronous standby: before that Patroni cannot let another one take over without losing commits. */
  untilSafe(): Promise<void>;
  /** Lets the synchronous standby take over, with the consent of the primary. */
  switchOver(from: Member): Promise<void>;
}

const [superuser, replicator] = [
  { username: 'taskyard', password: 'secret' },
  { username: 'replicator', password: 'secret' },
];
const database = 'postgres';

interface Role {
  readonly name: string;
  readonly role: string;
  readonly state: string;
}

/** What Patroni is told. Its intervals are the shortest that it accepts. */
const settingsOf = (folder: string, name: string, { port, api, etcd }: Record<string, number>) => ({
  scope: 'taskyard',
  name,
  restapi: { listen: `127.0.0.1:${api}`, connect_address: `127.0.0.1:${api}` },
  etcd3: { host: `127.0.0.1:${etcd}` },
  bootstrap: {
    dcs: {
      ttl: 20,
      loop_wait: 1,
      retry_timeout: 3,
      synchronous_mode: true,
      postgresql: { use_pg_rewind: true, parameters: { wal_log_hints: 'on', max_connections: 100 } },
    },
    initdb: [{ encoding: 'UTF8' }, { locale: 'C' }],
    pg_hba: ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256'],
  },
  postgresql: {
    listen: `127.0.0.1:${port}`,
    connect_address: `127.0.0.1:${port}`,
    data_dir: join(folder, name, 'data'),
    bin_dir: programs.postgres,
    pgpass: join(folder, name, 'pgpass'),
    authentication: { superuser, replication: replicator, rewind: superuser },
    parameters: { unix_socket_directories: join(folder, name), password_encryption: 'scram-sha-256' },
  },
});

const startAs = (words: readonly string[], cwd: string): ChildProcess => {
  const [program = '', ...rest] = [...asNobody, ...words];
  return spawn(program, rest, { cwd, stdio: 'ignore' });
};

const aFolder = async (path: string): Promise<string> => {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (isRoot) await chown(path, nobody, nobody);
  return path;
};

const startEtcd = async (test: Ending, folder: string): Promise<number> => {
  const [port, peer] = [await freePort(), await freePort()];
  const home = await aFolder(join(folder, 'etcd'));
  const [client, self] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peer}`];
  const options = [
    `--data-dir=${join(home, 'data')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${self}`,
    `--initial-advertise-peer-urls=${self}`,
    `--initial-cluster=default=${self}`,
  ];
  const etcd = startAs([programs.etcd, ...options], home);
  test.after(async () => void etcd.kill('SIGKILL'));
  return port;
};

const aMember = async (test: Ending, folder: string, name: string, etcd: number) => {
  const [port, api] = [await freePort(), await freePort()];
  const home = await aFolder(join(folder, name));
  const file = join(home, 'patroni.json');
  await writeFile(file, JSON.stringify(settingsOf(folder, name, { port, api, etcd })), { mode: 0o644 });
  let patroni: ChildProcess | undefined;
  // Patroni starts PostgreSQL in the background, so it is no child of it. Each of both names its folder.
  const pids = (): number[] => {
    const all = processes();
    const own = [...all].filter(([, { command }]) => command.includes(`${home}/`)).map(([pid]) => pid);
    return [...new Set([...own, ...own.flatMap((pid) => childrenOf(pid, all))])];
  };
  const toAll = (signal: NodeJS.Signals): void => {
    for (const pid of pids()) signalIfThere(pid, signal);
  };
  const member: Member = {
    name,
    place: `127.0.0.1:${port}`,
    kill: async () => {
      if (!patroni) return;
      const ended = once(patroni, 'exit');
      toAll('SIGKILL');
      await within('Patroni to die', ended);
      patroni = undefined;
    },
    pause: () => toAll('SIGSTOP'),
    resume: () => toAll('SIGCONT'),
    start: () => {
      patroni = startAs([programs.patroni, file], home);
    },
  };
  test.after(async () => {
    member.resume();
    await member.kill();
  });
  return { member, api };
};

const signalIfThere = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** Starts a cluster. When the test ends, so does it. */
export const aPatroniCluster = async (test: Ending): Promise<PatroniCluster> => {
  const { ending, runAll } = endings();
  const folder = await mkdtemp(join(databasesFolder(), 'taskyard-patroni-'));
  if (isRoot) await chown(folder, nobody, nobody);
  ending.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  test.after(runAll);
  const etcd = await startEtcd(ending, folder);
  const started: { member: Member; api: number }[] = [];
  for (const name of ['one', 'two', 'three']) {
    const { member, api } = await aMember(ending, folder, name, etcd);
    member.start();
    started.push({ member, api });
  }
  const members = started.map(({ member }) => member);
  const ask = async (api: number): Promise<readonly Role[]> => {
    const reply = await fetch(`http://127.0.0.1:${api}/cluster`);
    return ((await reply.json()) as { members: Role[] }).members;
  };
  /** What the first member that answers knows of all: one that is paused does not. */
  const roles = (): Promise<readonly Role[]> =>
    Promise.any(started.map(({ api }) => ask(api))).catch(() => []);
  const primary = (former?: Member): Promise<Member> =>
    eventually('a primary', async () => {
      const leader = (await roles()).find(({ role, state }) => role === 'leader' && state === 'running');
      const { member } = started.find((each) => each.member.name === leader?.name) ?? {};
      return member !== former && member;
    });
  const untilSafe = async (): Promise<void> => {
    await eventually('a synchronous standby', async () =>
      (await roles()).some(({ role }) => role === 'sync_standby'),
    );
  };
  const { username, password } = superuser;
  const urlOf = (...some: readonly Member[]): string =>
    `postgres://${username}:${password}@${some.map(({ place }) => place).join(',')}/${database}`;
  return {
    url: `${urlOf(...members)}?target_session_attrs=read-write`,
    urlOf,
    primary,
    untilSafe,
    switchOver: async (from) => {
      const api = started.find(({ member }) => member === from)?.api;
      const body = JSON.stringify({ leader: from.name });
      const reply = await fetch(`http://127.0.0.1:${api}/switchover`, { method: 'POST', body });
      if (!reply.ok) throw new Error(await reply.text());
    },
  };
};

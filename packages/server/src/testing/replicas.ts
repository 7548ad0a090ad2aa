import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { databasesFolder } from '@taskyard/patience';
import { type EmbeddedPostgres, silentLog, startEmbeddedPostgres } from '../base/index.ts';

/** One of two PostgreSQL servers: the primary, or the standby that follows it. */
export interface Replica {
  readonly url: string;
  /** Stops all its processes where they are, as when the machine is suspended. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

/** Two PostgreSQL servers of a test's own: what the first commits, the second has received before the reply. */
export interface Replicas {
  readonly primary: Replica;
  readonly standby: Replica;
  /** A database URL that names both, the standby first. */
  readonly url: string;
  /** The same with the primary first. */
  readonly primaryFirstUrl: string;
  /** Kills both, and removes their data. */
  close(): Promise<void>;
}

const settings = {
  max_wal_senders: '4',
  wal_keep_size: '256MB',
  // A standby that waits for the next line of a journal looks again after this time, and follows a promoted one.
  wal_retrieve_retry_interval: '100ms',
};

const start = (dataDir: string, more: Readonly<Record<string, string>>) =>
  startEmbeddedPostgres({ dataDir, log: silentLog, settings: { ...settings, ...more } });

/** The processes of a server: its postmaster and those that it has started. */
const familyOf = async (pid: number): Promise<number[]> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.split(' ').filter(Boolean).map(Number)];
};

const signalAll = async (pid: number, signal: NodeJS.Signals): Promise<void> => {
  for (const each of await familyOf(pid)) process.kill(each, signal);
};

const asReplica = ({ tcpUrl, pid }: EmbeddedPostgres): Replica => ({
  url: tcpUrl,
  pause: () => signalAll(pid, 'SIGSTOP'),
  resume: () => signalAll(pid, 'SIGCONT'),
  kill: () => void process.kill(pid, 'SIGKILL'),
});

/** Names several servers in one URL, as libpq does. They have the same password. */
const together = (urls: readonly string[]): string => {
  const [first = ''] = urls;
  const places = urls.map((url) => new URL(url).host);
  return first.replace(new URL(first).host, places.join(','));
};

/**
 * Starts a primary, and a standby on a copy of its data. `prepare` may put data into the folder of the first start, so
 * that they need not be made. Needs Linux.
 */
export const startReplicas = async (
  prepare: (dataDir: string) => Promise<void> = async () => {},
): Promise<Replicas> => {
  const folder = await mkdtemp(join(databasesFolder(), 'taskyard-replicas-'));
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  await mkdir(two);
  await prepare(one);
  const origin = await start(one, {});
  const { password, username } = new URL(origin.tcpUrl);
  await origin.stop();
  await promisify(execFile)('cp', ['-a', join(one, 'postgres'), two]);
  // Each takes a port of its own.
  await rm(join(two, 'postgres/port'));
  await writeFile(join(two, 'postgres/data/standby.signal'), '');
  const primary = await start(one, { synchronous_standby_names: '*' });
  const { port } = new URL(primary.tcpUrl);
  const standby = await start(two, {
    primary_conninfo: `host=127.0.0.1 port=${port} user=${username} password=${password} application_name=standby`,
  });
  const both = [primary, standby].map(asReplica) as [Replica, Replica];
  return {
    primary: both[0],
    standby: both[1],
    url: together([standby.tcpUrl, primary.tcpUrl]),
    primaryFirstUrl: together([primary.tcpUrl, standby.tcpUrl]),
    close: async () => {
      for (const { resume, kill } of both) {
        // One that was killed is not there any more.
        await resume().catch(() => {});
        try {
          kill();
        } catch {}
      }
      await Promise.all([primary.stop(), standby.stop()]);
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
};

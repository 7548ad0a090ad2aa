import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import type { Launch } from './launch.ts';
import { runProgram } from './programs.ts';

export const superuser = 'taskyard';

/** Paths of PostgreSQL's files below the platform's data folder. */
export interface ClusterPaths {
  /** The folder of all of them, which only its owner may enter. */
  readonly folder: string;
  readonly data: string;
  readonly password: string;
  readonly port: string;
  readonly log: string;
}

export const clusterPaths = (dataDir: string): ClusterPaths => {
  const folder = join(dataDir, 'postgres');
  const inside = (name: string) => join(folder, name);
  return {
    folder,
    data: inside('data'),
    password: inside('password'),
    port: inside('port'),
    log: inside('log'),
  };
};

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Creates the folder of PostgreSQL's files, closed to other users. */
export const makeFolder = async ({ folder }: ClusterPaths): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
};

/** The superuser's password, generated once for each data folder. */
export const readPassword = async (paths: ClusterPaths): Promise<string> => {
  if (!(await isFile(paths.data))) {
    await writeFile(paths.password, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  }
  return readFile(paths.password, 'utf8').catch((cause) => {
    throw new Error(
      `PostgreSQL's data in ${paths.data} are there, but their password is not: ${paths.password}`,
      {
        cause,
      },
    );
  });
};

export interface NewCluster {
  readonly binaries: Binaries;
  readonly launch: Launch;
  readonly durable: boolean;
}

/**
 * Creates PostgreSQL's data folder, unless it exists. It gets its name only when it is complete, so a first start that was
 * killed leaves nothing behind.
 */
export const makeCluster = async (
  paths: ClusterPaths,
  { binaries, launch, durable }: NewCluster,
): Promise<void> => {
  if (await isFile(paths.data)) return;
  const unfinished = `${paths.data}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const { code, output } = await runProgram([
    ...launch.prefix,
    binaries.initdb,
    `--pgdata=${unfinished}`,
    `--username=${superuser}`,
    `--pwfile=${paths.password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The one locale that is the same on every system: text compares by code point.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ]);
  if (code !== 0) throw new Error(`PostgreSQL could not make its data folder ${paths.data}: ${output}`);
  await rename(unfinished, paths.data);
};

import { lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { findProgram, runProgram } from './programs.ts';

/** How PostgreSQL's programs are started here. */
export interface Launch {
  /** The words before the program on the command line. */
  readonly prefix: readonly string[];
  /** True when the system ends PostgreSQL with this process, even if it is killed. */
  readonly diesWithParent: boolean;
}

// The user must be known to the system (PostgreSQL looks its name up): "nobody" is, everywhere.
const nobody = 65534;

interface Candidate {
  readonly name: string;
  readonly prefix: readonly string[];
  readonly owner: number;
}

/**
 * Ways not to be root, best first. In a user namespace the process sees itself as "nobody" while its files belong to
 * root, so it can read a checkout in root's home. The second way is for containers, which often forbid namespaces.
 */
const candidates = async (tie: readonly string[]): Promise<Candidate[]> => {
  const unshare = await findProgram('unshare');
  const setpriv = await findProgram('setpriv');
  const namespace = { name: 'user namespace', owner: 0 };
  const otherUser = { name: `user ${nobody}`, owner: nobody };
  return [
    ...(unshare
      ? [
          {
            ...namespace,
            prefix: [...tie, unshare, '--user', `--map-user=${nobody}`, `--map-group=${nobody}`],
          },
        ]
      : []),
    ...(setpriv
      ? [
          {
            ...otherUser,
            prefix: [setpriv, `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', ...tie.slice(1)],
          },
        ]
      : []),
  ];
};

/** Why a way does not work, or undefined: the programs must run, and the folder must be within reach. */
const objection = async (
  candidate: Candidate,
  binaries: Binaries,
  folder: string,
): Promise<string | undefined> => {
  const { code, output } = await runProgram([...candidate.prefix, binaries.postgres, '--version']);
  if (code !== 0) return `${candidate.name}: ${output}`;
  const listing = await runProgram([...candidate.prefix, '/bin/ls', '-d', join(folder, '.')]);
  return listing.code === 0 ? undefined : `${candidate.name}: ${listing.output}`;
};

/** Gives a folder and its content to a user. The folder comes last, so its owner shows that the rest is done. */
const giveTo = async (path: string, owner: number): Promise<void> => {
  const stat = await lstat(path);
  if (stat.uid === owner) return;
  if (stat.isDirectory()) await giveEntriesTo(path, owner);
  await lchown(path, owner, owner);
};

const giveEntriesTo = async (folder: string, owner: number): Promise<void> => {
  for (const name of await readdir(folder)) {
    // A server that is just ending removes its sockets meanwhile.
    await giveTo(join(folder, name), owner).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
};

const launchFromRoot = async (
  tie: readonly string[],
  binaries: Binaries,
  folder: string,
): Promise<Launch> => {
  const objections: string[] = [];
  for (const candidate of await candidates(tie)) {
    await giveTo(folder, candidate.owner);
    await giveEntriesTo(folder, candidate.owner);
    const reason = await objection(candidate, binaries, folder);
    if (!reason) return { prefix: candidate.prefix, diesWithParent: tie.length > 0 };
    objections.push(reason);
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and no unprivileged way to run it was found here. ' +
      'Start as another user, or set DATABASE_URL to a PostgreSQL of your own. Tried: ' +
      (objections.join('; ') || 'nothing, since neither unshare nor setpriv is installed'),
  );
};

/** Decides how to start PostgreSQL: without root's rights, and tied to this process. `folder` holds all its files. */
export const chooseLaunch = async (binaries: Binaries, folder: string): Promise<Launch> => {
  const setpriv = process.platform === 'linux' ? await findProgram('setpriv') : undefined;
  const tie = setpriv ? [setpriv, '--pdeathsig', 'INT'] : [];
  if (process.getuid?.() === 0) return launchFromRoot(tie, binaries, folder);
  return { prefix: tie, diesWithParent: tie.length > 0 };
};

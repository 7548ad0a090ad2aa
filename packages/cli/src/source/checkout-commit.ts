import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { GitSource } from '../graph-file/index.ts';
import { GitError, git } from './git.ts';

/** A secret about a git server, in one of three forms. */
export type GitSecret = Readonly<Record<string, unknown>>;

/** A commit of another repository, as files in a folder. */
export interface CheckedOut {
  readonly folder: string;
  /** The full hash of the commit. */
  readonly commit: string;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Keeps a key, and the keys of the hosts that it is for, beside a repository; returns how git is to call ssh. */
const sshCommand = async (place: string, key: string, knownHosts: string | undefined): Promise<string> => {
  const keep = async (name: string, content: string): Promise<string> => {
    const file = join(place, '.git', name);
    await writeFile(file, content.endsWith('\n') ? content : `${content}\n`, { mode: 0o600 });
    return file;
  };
  const words = [
    'ssh',
    '-i',
    `'${await keep('taskyard-key', key)}'`,
    '-o IdentitiesOnly=yes -o BatchMode=yes',
  ];
  if (knownHosts === undefined) return words.join(' ');
  const hosts = await keep('taskyard-known-hosts', knownHosts);
  return [...words, `-o 'UserKnownHostsFile=${hosts}' -o StrictHostKeyChecking=yes`].join(' ');
};

const quoted = (value: string): string => `"${value.replace(/[\\"]/g, '\\$&')}"`;

/**
 * Writes the secret into the repository's own settings, since other processes might read command lines and environments.
 */
const logIn = async (place: string, { url, secret: name }: GitSource, secret: GitSecret): Promise<void> => {
  const settings = join(place, '.git', 'config');
  const password = text(secret.token) ?? text(secret.password);
  const key = text(secret.sshKey);
  if (key !== undefined) {
    const command = await sshCommand(place, key, text(secret.knownHosts));
    await appendFile(settings, `[core]\n\tsshCommand = ${quoted(command)}\n`);
  } else if (password !== undefined) {
    // Servers with tokens ignore the name.
    const login = Buffer.from(`${text(secret.username) ?? 'x-access-token'}:${password}`).toString('base64');
    const section = `[http ${quoted(url)}]`;
    await appendFile(settings, `${section}\n\textraHeader = ${quoted(`Authorization: Basic ${login}`)}\n`);
  } else {
    const forms = '{token}, {username, password} or {sshKey, knownHosts}';
    throw new CommandError(exitCodes.usage, `The secret ${name} must be one of ${forms} to be used for git.`);
  }
};

const isHash = (commit: string): boolean => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit);

/** Fetches one commit, or all branches and tags when the server does not send a single one. Returns its name. */
const fetchCommit = async (place: string, { url, commit }: GitSource): Promise<string> => {
  try {
    await git(place, ['fetch', '--quiet', '--no-tags', '--depth=1', url, commit]);
    return 'FETCH_HEAD';
  } catch (error) {
    if (!isHash(commit) || !(error instanceof GitError) || error.exitCode === undefined) throw error;
    await git(place, ['fetch', '--quiet', '--no-tags', url, '+refs/*:refs/fetched/*']);
    return commit;
  }
};

/** Removes secrets from a message. */
const without = (message: string, secret: GitSecret): string =>
  Object.values(secret)
    .filter((value) => typeof value === 'string' && value.length > 3)
    .reduce<string>((left, value) => left.replaceAll(value as string, '…'), message);

/**
 * Fetches a commit of a git repository and passes its files on; they are deleted afterwards. Throws a CommandError with the
 * message of git. Git runs on this machine, so tasks see neither the repository's URL nor the secret.
 */
export const withCommit = async <T>(
  source: GitSource,
  secret: GitSecret | undefined,
  use: (checkedOut: CheckedOut) => Promise<T>,
): Promise<T> => {
  const place = await mkdtemp(join(tmpdir(), 'taskyard-git-'));
  const fetched = async (): Promise<CheckedOut> => {
    await git(place, ['init', '--quiet', '--template=']);
    if (secret) await logIn(place, source, secret);
    const name = await fetchCommit(place, source);
    await git(place, ['-c', 'advice.detachedHead=false', 'checkout', '--quiet', '--detach', name]);
    return { folder: place, commit: (await git(place, ['rev-parse', 'HEAD'])).trim() };
  };
  try {
    const checkedOut = await fetched().catch((error: unknown) => {
      if (!(error instanceof GitError)) throw error;
      const said = without(error.message, secret ?? {});
      throw new CommandError(
        exitCodes.failed,
        `${source.commit} of ${source.url} cannot be fetched, because git says: ${said}`,
      );
    });
    return await use(checkedOut);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

import { basename } from 'node:path';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { GitError, git } from '../source/git.ts';

export interface Person {
  readonly name: string;
  readonly email: string;
}

export interface Commit {
  readonly hash: string;
  readonly message: string;
  /** ISO 8601 */
  readonly date: string;
  readonly author: Person;
  readonly committer: Person;
}

/** What a checkout says of itself. */
export interface GitState {
  /** The top of the checkout. */
  readonly folder: string;
  /** Where its commits are; of a linked worktree, those of the main one. */
  readonly gitDirectory: string;
  readonly head: Commit;
  /** The first parent of the head; 40 zeros for a first commit. */
  readonly before: string;
  /** Undefined on a detached head. */
  readonly branch: string | undefined;
  readonly defaultBranch: string;
  /** Where the head left the default branch. */
  readonly base: string;
  /** A tag of the head. */
  readonly tag: string | undefined;
  /** As GitHub has them; for other remotes the last two parts of the address. */
  readonly organization: string;
  readonly repository: string;
  /** `https://github.com/organization/repository` */
  readonly url: string;
  /** Files differ from the head; tasks do not see that. */
  readonly isChanged: boolean;
}

const zeros = '0'.repeat(40);

const readHead = async (folder: string): Promise<{ head: Commit; before: string }> => {
  const format = ['%H', '%P', '%aI', '%an', '%ae', '%cn', '%ce', '%B'].join('%x00');
  const text = await git(folder, ['log', '-1', '--no-show-signature', `--format=${format}`]);
  const [hash = '', parents = '', date = '', ...people] = text.split('\0');
  const [authorName = '', authorEmail = '', name = '', email = '', message = ''] = people;
  const head = {
    hash,
    date,
    author: { name: authorName, email: authorEmail },
    committer: { name, email },
    message: message.trim(),
  };
  return { head, before: parents.split(' ')[0] || zeros };
};

/** The first of several questions to git that has an answer. */
const firstOf = async (folder: string, ...questions: (readonly string[])[]): Promise<string | undefined> => {
  for (const question of questions) {
    const answer = await git(folder, question).catch(() => '');
    if (answer.trim() !== '') return answer.trim();
  }
  return undefined;
};

const defaultBranchOf = async (folder: string, current: string | undefined): Promise<string> => {
  const remote = await firstOf(folder, ['symbolic-ref', '--short', '-q', 'refs/remotes/origin/HEAD']);
  if (remote) return remote.replace(/^origin\//, '');
  const names = ['main', 'master'].map((name) => `refs/heads/${name}`);
  const own = await firstOf(folder, ['for-each-ref', '--format=%(refname:short)', '--count=1', ...names]);
  return own ?? current ?? 'main';
};

/** `team/project` of any address of a repository: by https, by ssh, as scp has it, or a path. */
const namesIn = (remote: string): { organization: string; repository: string } | undefined => {
  const [, organization, repository] = /([^/:]+)\/([^/]+?)(?:\.git)?\/?$/.exec(remote) ?? [];
  if (organization === undefined || repository === undefined) return undefined;
  return { organization, repository };
};

const addressOf = (folder: string, remote: string | undefined) => {
  const isLocal = remote === undefined || /^(\.{0,2}\/|file:)/.test(remote);
  const names = (!isLocal && namesIn(remote)) || { organization: 'local', repository: basename(folder) };
  const host = /^(?:\w+:\/\/)?(?:[^@/]+@)?([^:/]+)/.exec(isLocal ? '' : remote)?.[1] ?? 'github.com';
  return { ...names, url: `https://${host}/${names.organization}/${names.repository}` };
};

/** Reads what an event needs of the checkout around a folder. Throws a CommandError where there is none. */
export const readGitState = async (place: string): Promise<GitState> => {
  try {
    const folder = (await git(place, ['rev-parse', '--show-toplevel'])).trim();
    const gitDirectory = (
      await git(folder, ['rev-parse', '--path-format=absolute', '--git-common-dir'])
    ).trim();
    const branch = await firstOf(folder, ['symbolic-ref', '--short', '-q', 'HEAD']);
    const defaultBranch = await defaultBranchOf(folder, branch);
    const { head, before } = await readHead(folder);
    const remote = await firstOf(folder, ['config', '--get', 'remote.origin.url']);
    const base = await firstOf(
      folder,
      ['merge-base', 'HEAD', `refs/remotes/origin/${defaultBranch}`],
      ['merge-base', 'HEAD', `refs/heads/${defaultBranch}`],
    );
    return {
      folder,
      gitDirectory,
      head,
      before,
      branch,
      defaultBranch,
      base: base ?? before,
      tag: await firstOf(folder, ['tag', '--no-column', '--points-at', 'HEAD', '--sort=-creatordate']).then(
        (tags) => tags?.split('\n')[0],
      ),
      ...addressOf(folder, remote),
      isChanged: (await git(folder, ['status', '--porcelain', '--untracked-files=no'])).trim() !== '',
    };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new CommandError(
      exitCodes.usage,
      `An event is made out of a commit, and git says of ${place}: ${error.message}`,
    );
  }
};

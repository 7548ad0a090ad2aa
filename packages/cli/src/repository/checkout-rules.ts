import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitState } from './git-state.ts';

/** How tasks find the commits of the checkout at the address of its remote. */
export interface CheckoutRules {
  /** Variables for tasks: git reads them, whichever way it is called. */
  readonly environment: Readonly<Record<string, string>>;
  /** What tasks must be shown, at the same path. */
  readonly paths: readonly string[];
  remove(): Promise<void>;
}

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/**
 * Git replaces the beginning of an address, and the longest one that fits counts. So that another repository whose name
 * only begins alike stays what it is, each way for a name to go on has a rule that changes nothing.
 */
const rulesFor = (address: string, source: string): string[] => {
  const rule = (from: string, to: string): string => `[url ${quoted(to)}]\n\tinsteadOf = ${quoted(from)}`;
  const dotGit = `${address}.git`;
  const others = [...letters.map((letter) => address + letter), `${address}.`];
  const othersDotGit = [...letters, '.'].map((letter) => dotGit + letter);
  return [
    rule(address, source),
    rule(dotGit, source),
    ...[...others, ...othersDotGit].map((same) => rule(same, same)),
  ];
};

/** The addresses by which tasks may ask for the repository. */
const addressesOf = ({ url, organization, repository }: GitState): string[] => {
  const { host } = new URL(url);
  const path = `${organization}/${repository}`;
  return [
    url,
    `http://${host}/${path}`,
    `git://${host}/${path}`,
    `ssh://git@${host}/${path}`,
    `git@${host}:${path}`,
  ];
};

/**
 * How git reads the repository. As a program of its own, it can be told that the files may belong to somebody else, as
 * they do for root in a container; by a path it would refuse them.
 */
const sourceOf = ({ gitDirectory }: GitState): string =>
  `ext::git -c safe.directory=* -c uploadpack.allowAnySHA1InWant=true %s ${gitDirectory.replace(/[% ]/g, '%$&')}`;

/** Writes the rules of git for tasks into a folder of their own. */
export const writeCheckoutRules = async (state: GitState): Promise<CheckoutRules> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-checkout-'));
  const file = join(folder, 'gitconfig');
  const rules = addressesOf(state).flatMap((address) => rulesFor(address, sourceOf(state)));
  await writeFile(file, `[protocol "ext"]\n\tallow = always\n${rules.join('\n')}\n`, { mode: 0o644 });
  return {
    environment: {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'include.path',
      GIT_CONFIG_VALUE_0: file,
    },
    paths: [folder, state.gitDirectory],
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

import { lstat, readdir } from 'node:fs/promises';
import { join, normalize, relative, resolve, sep } from 'node:path';
import { checkoutOf } from '../checkout.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { FolderSource } from '../graph-file/index.ts';
import { GitError, git } from './git.ts';

// Histories, and the platform's data folder, which contains the root credentials.
const neverPacked = new Set(['.git', '.hg', '.svn', '.taskyard', '.taskyard-worker']);

/** All files and links below a folder, relative to it. */
const walk = async (folder: string, below = ''): Promise<string[]> => {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !neverPacked.has(name))
      .map((entry) => {
        const path = join(below, entry.name);
        if (entry.isDirectory()) return walk(folder, path);
        return entry.isFile() || entry.isSymbolicLink() ? [path] : [];
      }),
  );
  return found.flat();
};

const listed = (folder: string, which: readonly string[]): Promise<string[]> =>
  git(folder, ['ls-files', '-z', ...which]).then((text) => text.split('\0').filter((path) => path !== ''));

/** The files of a folder in git: tracked and untracked ones that are not ignored, also of submodules. */
const listCheckout = async (folder: string): Promise<string[]> => {
  const [tracked, untracked] = await Promise.all([
    listed(folder, ['--cached', '--recurse-submodules']),
    listed(folder, ['--others', '--exclude-standard']),
  ]);
  // A nested checkout that is not a submodule is listed as a folder.
  return [...tracked, ...untracked].filter((path) => !path.endsWith('/'));
};

const listByGit = (folder: string): Promise<string[]> =>
  listCheckout(folder).catch((error: unknown) => {
    // Without git it is unknown which files are ignored, and those may be secrets.
    if (!(error instanceof GitError)) throw error;
    throw new CommandError(
      exitCodes.usage,
      `The files of ${folder} cannot be listed, because git says: ${error.message}`,
    );
  });

/** The files of one of the source's paths: a file, or a whole folder. */
const filesAt = async (folder: string, path: string, found: readonly string[]): Promise<string[]> => {
  const known = found.filter((file) => file === path || file.startsWith(`${path}${sep}`));
  if (known.length > 0) return known;
  const there = await lstat(join(folder, path)).catch(() => undefined);
  if (!there)
    throw new CommandError(exitCodes.usage, `The source has no ${path}: ${join(folder, path)} is not there.`);
  return there.isDirectory() ? walk(folder, path) : [path];
};

/**
 * The files of a source, relative to its folder, in a fixed order: in a git checkout the tracked ones and the
 * untracked ones that are not ignored, elsewhere all except histories and the platform's own.
 *
 * @param hidden folders that are left out, such as the platform's data
 */
export const listFiles = async (
  { folder, paths }: Pick<FolderSource, 'folder' | 'paths'>,
  hidden: readonly string[],
): Promise<string[]> => {
  const isCheckout = (await checkoutOf(folder)) !== undefined;
  const all = isCheckout ? await listByGit(folder) : await walk(folder);
  const wanted = paths?.map((path) => filesAt(folder, normalize(path).replace(/[/\\]$/, ''), all));
  const found = wanted ? (await Promise.all(wanted)).flat() : all;
  const away = hidden.map((path) => relative(folder, resolve(path))).filter((path) => path !== '');
  const isHidden = (path: string): boolean =>
    path.split(sep).some((part) => neverPacked.has(part)) ||
    away.some((place) => path === place || path.startsWith(`${place}${sep}`));
  return [...new Set(found)].filter((path) => !isHidden(path)).sort();
};

import { chmod, lstat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { AbsolutePath } from '../payload/index.ts';
import { holdBelow, ignoring, partsOf } from '../trees/index.ts';
import type { Outside, OutsideRules } from './engine.ts';

/** An absolute path without detours. */
export const fromRoot = (path: string): string => posix.resolve('/', path);

/** Whether a path is a directory itself, or below it. Both are without detours. */
export const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);

const outerFirst = (paths: readonly string[]): string[] =>
  [...new Set(paths)].sort((one, other) => one.length - other.length);

/** The parts of the machine that a sandbox has without being asked. */
export interface SandboxParts {
  /** What tasks read of the machine. */
  readonly readOnly: readonly string[];
  /** The directory of all runs. */
  readonly runs: string;
}

/**
 * What is shown of the way to the directory of runs, inside of a shown path that holds it: empty, so that a task cannot
 * lead the next sandbox elsewhere by what it puts there.
 */
const coverOf = (shown: string, { runs }: Pick<SandboxParts, 'runs'>): string | undefined =>
  isWithin(runs, shown) ? posix.join(shown, posix.relative(shown, runs).split('/')[0] ?? '') : undefined;

const isCovered = (path: string, shown: string, parts: SandboxParts): boolean => {
  const cover = coverOf(shown, parts);
  return cover !== undefined && isWithin(path, cover);
};

/**
 * What a sandbox shows for a place. For an artifact that is the directory that holds it, so that the task itself decides
 * whether it is there; a directory at the root, or beside the system, is shown itself. A file there cannot be.
 */
const shownFor = ({ path, use }: AbsolutePath, parts: SandboxParts): string | undefined => {
  const place = fromRoot(path);
  const candidates = [...(use === 'mount' ? [] : [posix.dirname(place)]), ...(use === 'file' ? [] : [place])];
  return candidates.find((one) => {
    const isApart = !parts.readOnly.some((known) => isWithin(known, one) || isWithin(one, known));
    // What a task keeps in a mount would be there before its first command, so it must not be on the way to the runs.
    return (
      one !== '/' && isApart && !isWithin(one, parts.runs) && !(use === 'mount' && isWithin(parts.runs, one))
    );
  });
};

/** Absolute paths in sandboxes: all but those of the system and of the worker. */
export const sandboxOutside = (parts: SandboxParts): OutsideRules => ({
  refusal: (place) => {
    const path = fromRoot(place.path);
    if (parts.readOnly.some((known) => isWithin(path, known)))
      return 'is a part of the system, which tasks of this worker can only read';
    if (isWithin(path, parts.runs)) return "is in the worker's own directory";
    if (shownFor(place, parts) !== undefined) return undefined;
    return place.use === 'file'
      ? 'shares a directory with the system: put the file into a directory of its own'
      : 'holds a part of the system, or of the worker itself';
  },
  shownFor: (places) => {
    const wanted = places.map((place) => shownFor(place, parts)).filter((path) => path !== undefined);
    const shown: string[] = [];
    for (const path of outerFirst(wanted)) {
      if (!shown.some((one) => isWithin(path, one) && !isCovered(path, one, parts))) shown.push(path);
    }
    return shown;
  },
});

/** The arguments of bubblewrap that show a task what it has outside of its directory. */
export const outsideArguments = ({ root, shown }: Outside, parts: Pick<SandboxParts, 'runs'>): string[] =>
  shown.flatMap((path) => {
    const cover = coverOf(path, parts);
    return ['--bind', join(root, path), path, ...(cover === undefined ? [] : ['--tmpfs', cover])];
  });

// Programs expect these to be there for everyone.
const forEveryone = ['/tmp', '/var/tmp'];

const makeDirectory = async (root: string, path: string, mode?: number): Promise<void> => {
  const held = await holdBelow(root, partsOf(`.${path}`) ?? [], { make: true });
  try {
    if (mode !== undefined) await chmod(held.path, mode);
  } finally {
    await held.close();
  }
};

/** Makes the directories that `outsideArguments` name. Throws where a link stands in the way. */
export const makeOutside = async (
  { root, shown }: Outside,
  parts: Pick<SandboxParts, 'runs'>,
): Promise<void> => {
  for (const path of shown) {
    const found = await lstat(join(root, path)).catch(() => undefined);
    // A mounted file is shown itself.
    if (!found?.isFile()) await makeDirectory(root, path);
    const cover = coverOf(path, parts);
    if (cover !== undefined) await makeDirectory(root, cover);
  }
  const needed = forEveryone.filter((path) => shown.some((one) => isWithin(path, one)));
  // A task that has put something else there has it its own way: that is no fault of the worker.
  for (const path of needed) await makeDirectory(root, path, 0o1777).catch(ignoring('ENOTDIR'));
};

import { join, relative } from 'node:path';
import { downloadArtifact, type Queue } from '@taskyard/client';

/** An artifact as a person knows it: what the task is called, and what the artifact is. */
export interface Result {
  readonly label: string;
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
}

/** Saves an artifact as a file. Returns its path; nothing when it could not be saved. */
export type SaveResult = (result: Result) => Promise<string | undefined>;

/** A name that is one file name on every system, and is no step out of the folder. */
export const fileNameOf = (text: string): string => {
  const harmless = text.replace(/[\x00-\x1f\x7f<>:"/\\|?*]/g, '-').replace(/[. ]+$/, '');
  return harmless === '' ? '_' : harmless.slice(0, 200);
};

/** File names for labels: two labels that would have the same name get different ones. */
const namesForLabels = () => {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  return (label: string): string => {
    const known = names.get(label);
    if (known !== undefined) return known;
    const wanted = fileNameOf(label);
    let name = wanted;
    // Some file systems do not tell upper case from lower case.
    for (let count = 2; taken.has(name.toLowerCase()); count += 1) name = `${wanted}-${count}`;
    taken.add(name.toLowerCase());
    names.set(label, name);
    return name;
  };
};

/** Where artifacts are saved in a folder: each below it, by the parts of its name. */
export const filesForArtifacts =
  (folder: string) =>
  (name: string): string =>
    join(folder, ...name.split('/').map(fileNameOf));

/**
 * Saves artifacts, decoded, as `<folder>/<label>/<name of the artifact>`.
 *
 * @param note told when an artifact cannot be saved
 */
export const saveResultsIn = (queue: Queue, folder: string, note: (text: string) => void): SaveResult => {
  const nameOf = namesForLabels();
  return async ({ label, taskId, runId, name }) => {
    const path = filesForArtifacts(join(folder, nameOf(label)))(name);
    try {
      await downloadArtifact(queue, { taskId, runId, name, path });
      return path;
    } catch (error) {
      note(`${name} of ${label} could not be saved: ${(error as Error).message}`);
      return undefined;
    }
  };
};

/** A path as somebody in the current folder writes it. */
export const shownPath = (path: string): string => {
  const fromHere = relative('.', path);
  return fromHere.startsWith('..') ? path : fromHere;
};

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GroupState, stateOf } from './follow/group-state.ts';
import { elapsedMs } from './follow/table.ts';

/** The last durations of the tasks of a graph, which progress bars use. A label may be the name of anything. */
export type Durations = ReadonlyMap<string, number>;

const tasksKeptMax = 5000;
const pathIn = (folder: string): string => join(folder, 'durations.json');

const readAll = async (folder: string): Promise<Record<string, number>> => {
  try {
    return JSON.parse(await readFile(pathIn(folder), 'utf8')) as Record<string, number>;
  } catch {
    // The file is optional: without it, bars do not show progress.
    return {};
  }
};

/** Reads the durations of the tasks of one graph, by label, in milliseconds. */
export const readDurations = async (folder: string, graph: string): Promise<Durations> => {
  const prefix = `${graph}/`;
  const found = Object.entries(await readAll(folder)).filter(([key]) => key.startsWith(prefix));
  return new Map(found.map(([key, milliseconds]) => [key.slice(prefix.length), milliseconds]));
};

/** Saves how long the tasks of a graph took. A failure is ignored. */
export const keepDurations = async (folder: string, graph: string, group: GroupState): Promise<void> => {
  const now = new Date();
  const measured = group.tasks
    .filter((task) => stateOf(task) === 'completed')
    .map((task) => [`${graph}/${task.label}`, elapsedMs(task, now) ?? 0] as const);
  const others = Object.entries(await readAll(folder)).filter(
    ([key]) => !measured.some(([own]) => own === key),
  );
  const kept = Object.fromEntries([...others, ...measured].slice(-tasksKeptMax));
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(`${pathIn(folder)}.new`, JSON.stringify(kept));
    await rename(`${pathIn(folder)}.new`, pathIn(folder));
  } catch {
    // See above.
  }
};

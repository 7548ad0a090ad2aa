import { join, posix } from 'node:path';
import type { Outside } from '../engines/index.ts';
import type { AbsolutePath, TaskDescription } from '../payload/index.ts';
import type { Places } from '../trees/index.ts';
import type { Run } from './run.ts';

const absolutePathsOf = ({ mounts, artifacts }: TaskDescription): AbsolutePath[] =>
  [
    ...mounts.map((mount) => ({
      path: mount.kind === 'file' ? mount.file : mount.directory,
      use: 'mount' as const,
    })),
    ...artifacts.map(({ path, type }) => ({ path, use: type })),
  ].filter(({ path }) => posix.isAbsolute(path));

/** What a task has at absolute paths, on an engine that hides those of the machine. Undefined: nothing. */
export const outsideOf = (
  { tools, privateDirectory }: Pick<Run, 'tools' | 'privateDirectory'>,
  description: TaskDescription,
): Outside | undefined => {
  const rules = tools.engine.outside;
  const places = absolutePathsOf(description);
  // The paths of a task with an image are those of its container.
  if (!rules || description.image || places.length === 0) return undefined;
  return { root: join(privateDirectory, 'outside'), shown: rules.shownFor(places) };
};

/** Where the worker finds what a task has. */
export const placesOf = (run: Run, description: TaskDescription): Places => ({
  directory: run.taskDirectory,
  outside: outsideOf(run, description)?.root,
});

import { join, posix } from 'node:path';
import type { FoundArtifact } from '../artifacts/index.ts';
import { type ContainerRequest, fromRoot, isWithin } from '../engines/index.ts';
import type { ProvidedImage } from '../images/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import type { Root } from '../trees/index.ts';
import { Unavailable } from '../unavailable.ts';
import { messageOf } from '../worker-log.ts';
import { outsideOf } from './outside.ts';
import { isBrokenTransfer, isPassingFailure } from './passing-failure.ts';
import type { Run } from './run.ts';

/**
 * Gets the image of a task. Returns undefined when it is not available, which fails the task; throws when that is not the
 * task's fault.
 */
export const provideImage = async (
  { tools, claim, log, interrupted: signal }: Run,
  image: NonNullable<TaskDescription['image']>,
): Promise<ProvidedImage | undefined> => {
  const access = () => ({ queue: claim.queue(), index: claim.index(), signal });
  try {
    return await tools.engine.containers?.images.provide(image, {
      signal,
      report: (text) => log.info(`[image] ${text}`),
      fetch: (content) => tools.mounts.downloads.fetch(content, access()),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (isPassingFailure(error)) throw error;
    const { syscall, code } = error as NodeJS.ErrnoException;
    // The daemon of containers breaks off, or nothing answers for it.
    if (isBrokenTransfer(error) || code === 'ECONNRESET') throw new Unavailable(messageOf(error));
    // The refusals of several addresses of one name come as one error, which has no `syscall`.
    if (syscall === 'connect' || code === 'ECONNREFUSED') throw error;
    log.error(`[image] ${messageOf(error)}`);
    return undefined;
  }
};

/** The settings of a task's container; undefined for a task without an image of its own. */
export const containerOf = (
  image: ProvidedImage | undefined,
  { volumes, privileges }: TaskDescription,
): ContainerRequest | undefined => image && { image: image.id, volumes, privileges };

interface Copied {
  /** Links that lead to what was copied with it are followed. */
  readonly root: Root;
  readonly path: string;
}

/** Where the worker finds an artifact that is copied out of a container; undefined for one that it finds without. */
const copyOf = (run: Run, description: TaskDescription, index: number): Copied | undefined => {
  const given = description.artifacts[index]?.path ?? '';
  if (!run.tools.engine.containers || !posix.isAbsolute(given)) return undefined;
  const place = fromRoot(given);
  const outside = outsideOf(run, description);
  const isFoundWithout = outside ? outside.shown.some((one) => isWithin(place, one)) : !description.image;
  if (isFoundWithout) return undefined;
  const directory = join(run.privateDirectory, 'copied', String(index));
  return { root: { directory, shownAs: posix.dirname(place) }, path: posix.basename(place) };
};

/** Copies the artifacts in containers to where the worker finds them. */
export const copyArtifactsOut = async (run: Run, description: TaskDescription): Promise<void> => {
  for (const [index, { path }] of description.artifacts.entries()) {
    const copy = copyOf(run, description, index);
    if (!copy) continue;
    const to = join(copy.root.directory, copy.path);
    await run.tools.engine.containers?.copyOut(run.taskDirectory, { path, to });
  }
};

/** The artifacts by the paths at which the worker finds them when they have been copied out. */
export const foundArtifacts = (run: Run, description: TaskDescription): readonly FoundArtifact[] =>
  description.artifacts.map((artifact, index) => {
    const copy = copyOf(run, description, index);
    return copy ? { ...artifact, ...copy, shownAs: artifact.path } : artifact;
  });

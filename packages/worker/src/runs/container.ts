import { join, posix } from 'node:path';
import { type ContainerRequest, fromRoot, isWithin } from '../engines/index.ts';
import { ImageUnavailable, type ProvidedImage } from '../images/index.ts';
import type { ArtifactDescription, TaskDescription } from '../payload/index.ts';
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
    if (isBrokenTransfer(error)) throw new ImageUnavailable(messageOf(error));
    log.error(`[image] ${messageOf(error)}`);
    return undefined;
  }
};

/** The settings of a task's container; undefined for a task without an image of its own. */
export const containerOf = (
  image: ProvidedImage | undefined,
  { volumes, privileges }: TaskDescription,
): ContainerRequest | undefined => image && { image: image.id, volumes, privileges };

/** Where the worker finds an artifact that is copied out of a container; undefined for one that it finds without. */
const copyOf = (
  run: Run,
  description: TaskDescription,
  index: number,
): { readonly path: string; readonly to: string } | undefined => {
  const path = description.artifacts[index]?.path ?? '';
  if (!run.tools.engine.containers || !posix.isAbsolute(path)) return undefined;
  if (description.image) {
    const copy = `copied-${index}`;
    return { path: copy, to: join(run.taskDirectory, copy) };
  }
  const outside = outsideOf(run, description);
  if (!outside || outside.shown.some((one) => isWithin(fromRoot(path), one))) return undefined;
  const copy = `/.copied/${index}`;
  return { path: copy, to: join(outside.root, copy) };
};

/** Copies the artifacts in containers to where the worker finds them. */
export const copyArtifactsOut = async (run: Run, description: TaskDescription): Promise<void> => {
  for (const [index, { path }] of description.artifacts.entries()) {
    const copy = copyOf(run, description, index);
    if (copy) await run.tools.engine.containers?.copyOut(run.taskDirectory, { path, to: copy.to });
  }
};

/** The artifacts by the paths at which the worker finds them when they have been copied out. */
export const foundArtifacts = (run: Run, description: TaskDescription): readonly ArtifactDescription[] =>
  description.artifacts.map((artifact, index) => {
    const copy = copyOf(run, description, index);
    return copy ? { ...artifact, path: copy.path, shownAs: artifact.path } : artifact;
  });

import { posix } from 'node:path';
import type { ContainerRequest } from '../engines/index.ts';
import type { ProvidedImage } from '../images/index.ts';
import type { ArtifactDescription, TaskDescription } from '../payload/index.ts';
import { messageOf } from '../worker-log.ts';
import { isPassingFailure } from './passing-failure.ts';
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
    log.error(`[image] ${messageOf(error)}`);
    return undefined;
  }
};

/** The settings of a task's container; undefined for a task without an image of its own. */
export const containerOf = (
  image: ProvidedImage | undefined,
  { volumes, privileges }: TaskDescription,
): ContainerRequest | undefined => image && { image: image.id, volumes, privileges };

const copyOf = (index: number): string => `copied-${index}`;

const isInContainer = ({ path }: ArtifactDescription): boolean => posix.isAbsolute(path);

/** Copies the artifacts in the container into the task's directory. */
export const copyArtifactsOut = async (
  { tools, taskDirectory }: Run,
  artifacts: readonly ArtifactDescription[],
): Promise<void> => {
  for (const [index, artifact] of artifacts.entries()) {
    if (!isInContainer(artifact)) continue;
    const copy = { path: artifact.path, into: copyOf(index) };
    await tools.engine.containers?.copyOut(taskDirectory, copy);
  }
};

/** The artifacts with their paths after they were copied out. Without containers nothing is copied. */
export const copiedArtifacts = (
  { tools }: Pick<Run, 'tools'>,
  artifacts: readonly ArtifactDescription[],
): readonly ArtifactDescription[] =>
  tools.engine.containers
    ? artifacts.map((artifact, index) =>
        isInContainer(artifact) ? { ...artifact, path: copyOf(index) } : artifact,
      )
    : artifacts;

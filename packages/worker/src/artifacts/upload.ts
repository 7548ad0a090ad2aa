import {
  ApiError,
  artifactWithContent,
  type CreateArtifactsRequest,
  type Queue,
  uploadArtifact,
} from '@taskyard/client';
import type { HeldClaim } from '../claims/index.ts';
import { minutes } from '../clock.ts';
import { inParallel } from '../in-parallel.ts';
import { isTransient, statusOf } from '../retry.ts';
import { openInside, pathOfHandle } from '../trees/index.ts';
import { messageOf } from '../worker-log.ts';
import type { CollectedFile, Collection, MissingArtifact } from './collect.ts';
import { readSmallFiles } from './small-files.ts';

const uploadsAtOnceMax = 10;

// Few enough that reading the next list takes as long as the queue needs for one.
const listMax = 250;
const listsAtOnceMax = 2;

// A store that has replied with errors for this long will not recover in time.
const giveUpAfterMs = minutes(3);

/** An artifact that was refused because of its content or name, and why. */
export interface RefusedArtifact {
  readonly name: string;
  readonly message: string;
  readonly isOptional: boolean;
}

// The queue's refusals of one artifact: it is invalid, has a name that no URL can have, exists with other values, or is
// too large.
const refusals = [400, 404, 409, 413, 414, 431];
const vanished = ['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR'];

const refusalOf = (error: unknown): string | undefined => {
  const isRefused = refusals.includes(statusOf(error) ?? 0);
  const isGone = vanished.includes((error as NodeJS.ErrnoException).code ?? '') || error instanceof NoFile;
  return isRefused || isGone ? messageOf(error) : undefined;
};

class NoFile extends Error {}

type Artifact = CollectedFile | MissingArtifact;

const isFile = (artifact: Artifact): artifact is CollectedFile => 'path' in artifact;

/** Uploads what runs leave behind. */
export interface Uploads {
  /**
   * Uploads the files, and records missing ones as `error` artifacts. Returns the refused ones, which do not affect others.
   * Throws the first lasting failure that the task did not cause.
   */
  upload(claim: HeldClaim, collection: Collection, signal: AbortSignal): Promise<RefusedArtifact[]>;
}

/**
 * Uploads small files, and the records of missing ones, many by one call; others, and all of them to a queue that takes no
 * lists, one by one.
 */
export const openUploads = (): Uploads => {
  let takesLists = true;
  return {
    upload: async (claim, { files, missing }, signal) => {
      const upload = new CollectionUpload(claim, signal);
      const rest: Artifact[] = [];
      await inParallel(parts([...missing, ...files], listMax), listsAtOnceMax, async (part) => {
        const isTried = takesLists && part.length > 1;
        const left = isTried ? await upload.sendList(part) : part;
        if (left === 'unknown') takesLists = false;
        rest.push(...(left === 'unknown' ? part : left));
      });
      await inParallel(rest, uploadsAtOnceMax, (one) => upload.send(one));
      return upload.refused;
    },
  };
};

const parts = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/** The upload of the artifacts of one run. */
class CollectionUpload {
  readonly refused: RefusedArtifact[] = [];
  readonly #claim: HeldClaim;
  readonly #signal: AbortSignal;

  constructor(claim: HeldClaim, signal: AbortSignal) {
    this.#claim = claim;
    this.#signal = signal;
  }

  /** Sends those that fit into one call; returns the others, or `unknown` when the queue does not know the method. */
  async sendList(artifacts: readonly Artifact[]): Promise<readonly Artifact[] | 'unknown'> {
    const contents = await readSmallFiles(artifacts.filter(isFile));
    const entries = artifacts.map((one) => entryOf(one, contents));
    const listed = artifacts.filter((_, i) => entries[i]);
    if (listed.length < 2) return artifacts;
    const { taskId, runId } = this.#claim;
    const body = { artifacts: entries.filter((entry) => entry !== undefined) };
    try {
      const answer = await this.#call((queue) =>
        queue.createArtifacts(taskId, runId, body, { signal: this.#signal }),
      );
      for (const [i, { error }] of answer.artifacts.entries())
        if (error)
          this.#refuse(listed[i] as Artifact, new ApiError(error.statusCode, error, 'queue.createArtifacts'));
    } catch (error) {
      this.#signal.throwIfAborted();
      const status = statusOf(error);
      if (status === undefined || isTransient(error)) throw error;
      // What the queue has against the list need not concern each of them.
      return status === 404 ? 'unknown' : artifacts;
    }
    return artifacts.filter((_, i) => !entries[i]);
  }

  /** Sends one by itself. */
  async send(artifact: Artifact): Promise<void> {
    try {
      if (isFile(artifact)) await uploadFile(this.#claim, artifact, this.#signal);
      else await this.#record(artifact);
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#refuse(artifact, error);
    }
  }

  async #record(artifact: MissingArtifact): Promise<void> {
    const { taskId, runId } = this.#claim;
    await this.#call((queue) => queue.createArtifact(taskId, runId, artifact.name, errorOf(artifact)));
  }

  #call<T>(use: (queue: Queue) => Promise<T>): Promise<T> {
    return this.#claim.call(use, { signal: this.#signal, giveUpAfterMs });
  }

  #refuse({ name, isOptional = false }: Artifact, error: unknown): void {
    const message = refusalOf(error);
    if (message === undefined) throw error;
    this.refused.push({ name, message, isOptional });
  }
}

const errorOf = ({ expires, reason, message }: MissingArtifact) =>
  ({ storageType: 'error', expires: expires.toJSON(), reason, message }) as const;

// No URL can have them, so nobody could read it: the method for one refuses it.
const hasDots = ({ name }: Artifact): boolean =>
  name.split('/').some((part) => part === '.' || part === '..');

/** An artifact as part of a list; undefined for one that has to be sent by itself. */
const entryOf = (
  artifact: Artifact,
  contents: ReadonlyMap<CollectedFile, Buffer>,
): CreateArtifactsRequest['artifacts'][number] | undefined => {
  if (hasDots(artifact)) return undefined;
  if (!isFile(artifact)) return { name: artifact.name, artifact: errorOf(artifact) };
  const bytes = contents.get(artifact);
  return bytes && artifactWithContent(artifact, bytes);
};

/** Passes on a path of a file's bytes. A file of a task is opened here, so that it cannot be replaced by another. */
export const withBytes = async <T>(
  { path, inside }: Pick<CollectedFile, 'path' | 'inside'>,
  use: (path: string) => Promise<T>,
): Promise<T> => {
  if (inside === undefined) return use(path);
  const file = await openInside(inside, path);
  if (!file) throw new NoFile(`${path} is not a file any more`);
  try {
    return await use(pathOfHandle(file, path));
  } finally {
    await file.close();
  }
};

/** Uploads one file as an artifact of type `s3`. */
export const uploadFile = async (
  claim: HeldClaim,
  file: CollectedFile,
  signal: AbortSignal,
): Promise<void> => {
  const { taskId, runId } = claim;
  const { name, expires, contentType, contentEncoding } = file;
  await withBytes(file, async (path) => {
    const upload = { taskId, runId, name, expires, contentType, contentEncoding, content: { path } };
    await claim.call((queue) => uploadArtifact(queue, upload, signal), { signal, giveUpAfterMs });
  });
};

import {
  ApiError,
  artifactWithContent,
  type CreateArtifactsRequest,
  type CreateArtifactsResponse,
  type PostArtifactRequest,
  type Queue,
  uploadArtifact,
} from '@taskyard/client';
import { traced } from '@taskyard/tracing';
import type { HeldClaim } from '../claims/index.ts';
import { minutes } from '../clock.ts';
import { inParallel } from '../in-parallel.ts';
import { isTransient, statusOf } from '../retry.ts';
import { openInside, pathOfHandle } from '../trees/index.ts';
import { messageOf } from '../worker-log.ts';
import type { CollectedFile, Collection, MissingArtifact } from './collect.ts';
import { readSmall, readSmallFiles } from './small-files.ts';

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

/** Another name of an artifact of the same run. */
export type Link = { readonly name: string } & Extract<PostArtifactRequest, { storageType: 'link' }>;

/** Uploads what runs leave behind. */
export interface Uploads {
  /**
   * Uploads the files, and records missing ones as `error` artifacts. Returns the refused ones, which do not affect others.
   * Throws the first lasting failure that the task did not cause.
   */
  upload(claim: HeldClaim, collection: Collection, signal: AbortSignal): Promise<RefusedArtifact[]>;
  /** Uploads a file of the worker's own, then lets another name lead to it. Throws when either cannot be done. */
  uploadOwn(
    claim: HeldClaim,
    file: CollectedFile,
    link: Link | undefined,
    signal: AbortSignal,
  ): Promise<void>;
}

/**
 * Uploads small files, and the records of missing ones, many by one call; others, and all of them to a queue that takes no
 * lists, one by one.
 */
export const openUploads = (): Uploads => {
  const lists = new Lists();
  return {
    upload: async (claim, { files, missing }, signal) => {
      const upload = new CollectionUpload({ claim, lists, signal });
      const rest: Artifact[] = [];
      await inParallel(parts([...missing, ...files], listMax), listsAtOnceMax, async (part) => {
        rest.push(...(lists.areTaken ? await upload.sendList(part) : part));
      });
      await inParallel(rest, uploadsAtOnceMax, (one) => upload.send(one));
      return upload.refused;
    },
    uploadOwn: async (claim, file, link, signal) => {
      const bytes = lists.areTaken ? readSmall(file.path) : undefined;
      const entry = bytes && artifactWithContent(file, bytes);
      const entries = entry && [entry, ...(link ? [linkEntry(link)] : [])];
      const answers = entries && (await lists.send({ claim, signal }, entries));
      if (answers) {
        for (const { error } of answers) if (error) throw refusalIn(error);
        return;
      }
      await uploadFile(claim, file, signal);
      if (!link) return;
      const { taskId, runId } = claim;
      const { name, artifact } = linkEntry(link);
      await claim.call((queue) => queue.createArtifact(taskId, runId, name, artifact, { signal }), {
        signal,
        giveUpAfterMs,
      });
    },
  };
};

const linkEntry = ({ name, ...artifact }: Link) => ({ name, artifact });

type Entry = CreateArtifactsRequest['artifacts'][number];
type Entries = CreateArtifactsResponse['artifacts'];

const refusalIn = (error: NonNullable<Entries[number]['error']>): ApiError =>
  new ApiError(error.statusCode, error, 'queue.createArtifacts');

interface Sending {
  readonly claim: HeldClaim;
  readonly signal: AbortSignal;
}

/** Artifacts by one call, for as long as nothing shows that the queue takes none so. */
class Lists {
  areTaken = true;

  /** Returns the answer for each of them; undefined when they are to be sent one by one. */
  async send({ claim, signal }: Sending, artifacts: Entry[]): Promise<Entries | undefined> {
    const { taskId, runId } = claim;
    try {
      const send = (queue: Queue) => queue.createArtifacts(taskId, runId, { artifacts }, { signal });
      const attributes = { 'taskyard.artifact.names': artifacts.map(({ name }) => name) };
      const answer = await traced(claim.tracing, 'upload artifacts', { attributes }, () =>
        claim.call(send, { signal, giveUpAfterMs }),
      );
      return answer.artifacts;
    } catch (error) {
      signal.throwIfAborted();
      const status = statusOf(error);
      if (status === undefined || isTransient(error)) throw error;
      // What the queue has against the list need not concern each of them. An older one does not know the method.
      if (status === 404 || status === 405) this.areTaken = false;
      return undefined;
    }
  }
}

const parts = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

/** The upload of the artifacts of one run. */
class CollectionUpload {
  readonly refused: RefusedArtifact[] = [];
  readonly #claim: HeldClaim;
  readonly #lists: Lists;
  readonly #signal: AbortSignal;

  constructor({ claim, lists, signal }: Sending & { readonly lists: Lists }) {
    this.#claim = claim;
    this.#lists = lists;
    this.#signal = signal;
  }

  /** Sends those that fit into one call; returns the others. */
  async sendList(artifacts: readonly Artifact[]): Promise<readonly Artifact[]> {
    const contents = await readSmallFiles(artifacts.filter(isFile));
    const entries = artifacts.map((one) => entryOf(one, contents));
    const listed = artifacts.filter((_, i) => entries[i]);
    if (listed.length === 0) return artifacts;
    const sending = { claim: this.#claim, signal: this.#signal };
    const answers = await this.#lists.send(
      sending,
      entries.filter((entry) => entry !== undefined),
    );
    if (!answers) return artifacts;
    for (const [i, { error }] of answers.entries())
      if (error) this.#refuse(listed[i] as Artifact, refusalIn(error));
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
    const record = (queue: Queue) => queue.createArtifact(taskId, runId, artifact.name, errorOf(artifact));
    await this.#claim.call(record, { signal: this.#signal, giveUpAfterMs });
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
const entryOf = (artifact: Artifact, contents: ReadonlyMap<CollectedFile, Buffer>): Entry | undefined => {
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
  const send = async (path: string): Promise<void> => {
    const freshCredentials = () => claim.credentials();
    const content = { path };
    const upload = { taskId, runId, name, expires, contentType, contentEncoding, content, freshCredentials };
    await claim.call((queue) => uploadArtifact(queue, upload, signal), { signal, giveUpAfterMs });
  };
  const attributes = { 'taskyard.artifact.name': name };
  await traced(claim.tracing, 'upload artifact', { attributes }, () => withBytes(file, send));
};

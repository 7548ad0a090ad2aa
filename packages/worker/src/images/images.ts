import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import { type Clock, minutes } from '../clock.ts';
import type { Fetched } from '../mounts/index.ts';
import type { Content, ImageSource } from '../payload/index.ts';
import { statusOf } from '../retry.ts';
import { messageOf } from '../worker-log.ts';
import { loadArchive } from './load.ts';
import { digestOf, fullName, isOfArchive, nameOfArchive } from './names.ts';
import { type Pulling, pullImage } from './pull.ts';
import { openRecord } from './record.ts';

/** The images of a worker: those it got for tasks, and those that were here before. */
export interface Images {
  /** Makes an image ready, and holds it until it is let go. Throws with a reason for the log of the task. */
  provide(source: ImageSource, providing: Providing): Promise<ProvidedImage>;
  /**
   * Removes images that the worker got itself and no task uses, the least recently used first, until so many
   * bytes are free. Answers how many were freed, at most: images may share layers.
   */
  evict(bytes: number): Promise<number>;
}

export interface Providing extends Pick<Pulling, 'signal' | 'report'> {
  /** Fetches an artifact with the task's own rights. */
  fetch(content: ArtifactContent): Promise<Fetched>;
}
type ArtifactContent = Extract<Content, { kind: 'artifact' | 'indexed' }>;

export interface ProvidedImage {
  readonly id: string;
  release(): void;
}

// Registries count requests. A tag that moved is seen after so long; a digest never moves.
const askAgainAfterMs = minutes(60);

interface Found {
  readonly id: string;
  readonly bytes: number;
  readonly digests: readonly string[];
}

interface Obtained {
  readonly image: Found;
  /** Got by this worker, which may therefore remove it. */
  readonly isOurs: boolean;
}

const obtainAttemptsMax = 3;

const contentOf = (source: Exclude<ImageSource, { type: 'docker-image' }>): ArtifactContent =>
  source.type === 'task-image'
    ? { kind: 'artifact', taskId: source.taskId, artifact: source.path, sha256: undefined }
    : { kind: 'indexed', namespace: source.namespace, artifact: source.path };

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

/** Runs acts of the same key one after the other. */
const turns = () => {
  const last = new Map<string, Promise<unknown>>();
  return async <T>(key: string, act: () => Promise<T>): Promise<T> => {
    const mine = (last.get(key) ?? Promise.resolve()).then(act, act);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
};

/** Opens the images of a daemon. What the worker got is noted in a file, and so known to the next worker. */
export const openImages = async (
  docker: Docker,
  { clock, recordPath }: { clock: Clock; recordPath: string },
): Promise<Images> => {
  const record = await openRecord(recordPath);
  const users = new Map<string, number>();
  const askedAtMs = new Map<string, number>();
  const hashes = new Map<string, string>();
  const inTurn = turns();

  const find = async (name: string): Promise<Found | undefined> => {
    try {
      const { Id: id, Size: bytes, RepoDigests: digests } = await docker.getImage(name).inspect();
      return { id, bytes, digests: digests ?? [] };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  };

  const found = async (name: string): Promise<Found> => {
    const image = await find(name);
    if (!image) throw new Error(`the image ${name} is not there after it was fetched`);
    return image;
  };

  /** Asks the registry unless the image is here and cannot, or need not, have changed. */
  const fromRegistry = async (given: string, providing: Providing): Promise<Obtained> => {
    if (isOfArchive(given)) throw new Error(`${given} is no image of a registry`);
    const name = fullName(given);
    const digest = digestOf(name);
    const here = await find(name);
    const isFresh =
      digest !== undefined || clock.now().getTime() - (askedAtMs.get(name) ?? -Infinity) < askAgainAfterMs;
    if (here && isFresh) return { image: here, isOurs: false };
    try {
      await pullImage(docker, name, { ...providing, clock, ...(here ? { attemptsMax: 1 } : {}) });
      askedAtMs.set(name, clock.now().getTime());
    } catch (error) {
      if (!here || providing.signal.aborted) throw error;
      providing.report(`${name} is used as it is here, as it cannot be pulled: ${messageOf(error)}`);
      return { image: here, isOurs: false };
    }
    const image = await found(name);
    if (digest !== undefined && !image.digests.some((one) => one.endsWith(`@${digest}`))) {
      throw new Error(`what was pulled as ${name} has another digest`);
    }
    return { image, isOurs: image.id !== here?.id };
  };

  const fromArchive = async (content: ArtifactContent, providing: Providing): Promise<Obtained> => {
    const { path, isOwn, release: letGo } = await providing.fetch(content);
    try {
      const sha256 = hashes.get(path) ?? (await hashOf(path));
      if (!isOwn) hashes.set(path, sha256);
      const name = nameOfArchive(sha256);
      const here = await find(name);
      if (here) return { image: here, isOurs: true };
      providing.report(`Loading ${content.artifact}, sha256 ${sha256}`);
      await loadArchive(docker, { path, name, signal: providing.signal });
      return { image: await found(name), isOurs: true };
    } finally {
      await letGo();
    }
  };

  const release = (id: string): void => {
    const left = (users.get(id) ?? 1) - 1;
    if (left === 0) users.delete(id);
    else users.set(id, left);
  };

  const obtain = (source: ImageSource, providing: Providing): Promise<Obtained> =>
    source.type === 'docker-image'
      ? fromRegistry(source.name, providing)
      : fromArchive(contentOf(source), providing);

  /** Holds an image, and then looks whether it is still there: it may have been evicted just before. */
  const hold = async ({ image, isOurs }: Obtained): Promise<ProvidedImage | undefined> => {
    const { id, bytes } = image;
    users.set(id, (users.get(id) ?? 0) + 1);
    if (!(await find(id))) {
      release(id);
      return undefined;
    }
    await record.note({ id, bytes, usedAt: clock.now() }, { isOurs });
    let isHeld = true;
    return {
      id,
      release: () => {
        if (isHeld) release(id);
        isHeld = false;
      },
    };
  };

  const remove = async (id: string): Promise<boolean> => {
    try {
      await docker.getImage(id).remove({ force: true });
    } catch (error) {
      // Somebody else's container has it, and keeps it.
      if (statusOf(error) === 409) return false;
      if (statusOf(error) !== 404) throw error;
    }
    await record.forget(id);
    return true;
  };

  return {
    provide: (source, providing) =>
      inTurn(JSON.stringify(source), async () => {
        for (let tries = 1; ; tries++) {
          providing.signal.throwIfAborted();
          const held = await hold(await obtain(source, providing));
          if (held) return held;
          if (tries >= obtainAttemptsMax) throw new Error('the image is removed as often as it is fetched');
        }
      }),
    evict: async (bytes) => {
      let freed = 0;
      for (const image of record.leastRecentlyUsed()) {
        if (freed >= bytes) break;
        if (!users.has(image.id) && (await remove(image.id))) freed += image.bytes;
      }
      return freed;
    },
  };
};

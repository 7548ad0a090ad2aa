import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import { type Clock, minutes } from '../clock.ts';
import type { Fetched } from '../mounts/index.ts';
import type { Content, ImageSource } from '../payload/index.ts';
import { statusOf } from '../retry.ts';
import { messageOf } from '../worker-log.ts';
import { holdImage } from './hold-image.ts';
import { loadArchive } from './load.ts';
import { digestOf, fullName, isOfArchive, nameOfArchive } from './names.ts';
import { type Pulling, pullImage } from './pull.ts';
import { type NotedImage, openRecord } from './record.ts';
import { removeImage } from './remove-image.ts';

/** The images of a worker: those that it got for tasks, and earlier ones. */
export interface Images {
  /** Makes an image available until it is released. Throws with a reason for the log of the task. */
  provide(source: ImageSource, providing: Providing): Promise<ProvidedImage>;
  /**
   * Removes images that the worker got itself and no task uses, the least recently used first, until this many
   * bytes are free. Returns how many were freed, at most: images may share layers.
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

// Registries count requests. A tag that moved is noticed after this time; a digest never moves.
const askAgainAfterMs = minutes(60);

interface Found {
  readonly id: string;
  readonly bytes: number;
  readonly digests: readonly string[];
}

interface Obtained {
  readonly image: Found;
  /** What it is called at the daemon. */
  readonly name: string;
  /** Whether this worker got the image, and may therefore remove it. */
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

export interface ImagesOptions {
  readonly clock: Clock;
  /** A file in which the worker's images are noted, so that the next worker knows them. */
  readonly recordPath: string;
  /** Of the containers that keep images in place. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Opens the images of a daemon. */
export const openImages = async (docker: Docker, options: ImagesOptions): Promise<Images> =>
  new DaemonImages(docker, options, await openRecord(options.recordPath));

class DaemonImages implements Images {
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #record: Awaited<ReturnType<typeof openRecord>>;
  readonly #labels: ImagesOptions['labels'];
  readonly #users = new Map<string, number>();
  readonly #letGo = new Set<Promise<void>>();
  readonly #askedAtMs = new Map<string, number>();
  readonly #hashes = new Map<string, string>();
  readonly #inTurn = turns();

  constructor(
    docker: Docker,
    { clock, labels }: ImagesOptions,
    record: Awaited<ReturnType<typeof openRecord>>,
  ) {
    this.#docker = docker;
    this.#clock = clock;
    this.#labels = labels;
    this.#record = record;
  }

  provide(source: ImageSource, providing: Providing): Promise<ProvidedImage> {
    return this.#inTurn(JSON.stringify(source), async () => {
      for (let tries = 1; ; tries++) {
        providing.signal.throwIfAborted();
        const held = await this.#hold(await this.#obtain(source, providing));
        if (held) return held;
        if (tries >= obtainAttemptsMax) throw new Error('the image is removed as often as it is fetched');
      }
    });
  }

  async evict(bytes: number): Promise<number> {
    let freed = 0;
    await Promise.all(this.#letGo);
    for (const image of this.#record.leastRecentlyUsed()) {
      if (freed >= bytes) break;
      if (!this.#users.has(image.id) && (await this.#remove(image))) freed += image.bytes;
    }
    return freed;
  }

  #obtain(source: ImageSource, providing: Providing): Promise<Obtained> {
    return source.type === 'docker-image'
      ? this.#fromRegistry(source.name, providing)
      : this.#fromArchive(contentOf(source), providing);
  }

  async #find(name: string): Promise<Found | undefined> {
    try {
      const { Id: id, Size: bytes, RepoDigests: digests } = await this.#docker.getImage(name).inspect();
      return { id, bytes, digests: digests ?? [] };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async #found(name: string): Promise<Found> {
    const image = await this.#find(name);
    if (!image) throw new Error(`the image ${name} is not there after it was fetched`);
    return image;
  }

  /** Asks the registry unless the image is here and cannot, or need not, have changed. */
  async #fromRegistry(given: string, providing: Providing): Promise<Obtained> {
    if (isOfArchive(given)) throw new Error(`${given} is not an image of a registry`);
    const name = fullName(given);
    const digest = digestOf(name);
    const here = await this.#find(name);
    if (here && (digest !== undefined || this.#wasAskedLately(name)))
      return { image: here, name, isOurs: false };
    try {
      const patience = here ? { attemptsMax: 1 } : {};
      await pullImage(this.#docker, name, { ...providing, clock: this.#clock, ...patience });
      this.#askedAtMs.set(name, this.#clock.now().getTime());
    } catch (error) {
      if (!here || providing.signal.aborted) throw error;
      providing.report(`${name} is used as it is here, as it cannot be pulled: ${messageOf(error)}`);
      return { image: here, name, isOurs: false };
    }
    const image = await this.#found(name);
    if (digest !== undefined && !image.digests.some((one) => one.endsWith(`@${digest}`))) {
      throw new Error(`what was pulled as ${name} has another digest`);
    }
    return { image, name, isOurs: image.id !== here?.id };
  }

  #wasAskedLately(name: string): boolean {
    return this.#clock.now().getTime() - (this.#askedAtMs.get(name) ?? -Infinity) < askAgainAfterMs;
  }

  async #fromArchive(content: ArtifactContent, providing: Providing): Promise<Obtained> {
    const { path, isOwn, release } = await providing.fetch(content);
    try {
      const sha256 = this.#hashes.get(path) ?? (await hashOf(path));
      if (!isOwn) this.#hashes.set(path, sha256);
      const name = nameOfArchive(sha256);
      const here = await this.#find(name);
      if (here) return { image: here, name, isOurs: true };
      providing.report(`Loading ${content.artifact}, sha256 ${sha256}`);
      await loadArchive(this.#docker, { path, name, signal: providing.signal });
      return { image: await this.#found(name), name, isOurs: true };
    } finally {
      await release();
    }
  }

  /** Holds an image; undefined when it was removed just before. */
  async #hold({ image: { id, bytes }, name, isOurs }: Obtained): Promise<ProvidedImage | undefined> {
    const letGo = await holdImage(this.#docker, id, this.#labels);
    if (!letGo) return undefined;
    this.#users.set(id, (this.#users.get(id) ?? 0) + 1);
    await this.#record.note({ id, bytes, names: [name], usedAt: this.#clock.now() }, { isOurs });
    let isHeld = true;
    return {
      id,
      release: () => {
        if (isHeld) this.#release(id, letGo());
        isHeld = false;
      },
    };
  }

  #release(id: string, lettingGo: Promise<void>): void {
    const left = (this.#users.get(id) ?? 1) - 1;
    if (left === 0) this.#users.delete(id);
    else this.#users.set(id, left);
    this.#letGo.add(lettingGo);
    void lettingGo.then(() => this.#letGo.delete(lettingGo));
  }

  async #remove({ id, names }: NotedImage): Promise<boolean> {
    const outcome = await removeImage(this.#docker, { id, names });
    // One that somebody has given another name is theirs from now on.
    if (outcome !== 'in use') await this.#record.forget(id);
    return outcome === 'removed';
  }
}

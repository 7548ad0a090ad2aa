import { readFile, rename, writeFile } from 'node:fs/promises';

/** An image that the worker got, and may therefore remove. */
export interface NotedImage {
  readonly id: string;
  readonly bytes: number;
  /** What it was called when the worker got it. */
  readonly names: readonly string[];
  readonly usedAt: Date;
}

/** Which images a worker got, and when each was last used. */
export interface ImageRecord {
  /** Notes the use of an image: of one that is in the record, or is ours from now on. */
  note(image: NotedImage, how: { readonly isOurs: boolean }): Promise<void>;
  forget(id: string): Promise<void>;
  leastRecentlyUsed(): readonly NotedImage[];
}

type Line = Pick<NotedImage, 'id' | 'bytes'> & {
  readonly names?: readonly string[];
  readonly usedAt: string;
};

const read = async (path: string): Promise<NotedImage[]> => {
  try {
    const lines = JSON.parse(await readFile(path, 'utf8')) as readonly Line[];
    return lines.map(({ names = [], ...line }) => ({ ...line, names, usedAt: new Date(line.usedAt) }));
  } catch {
    // None yet, or cut off by a full disk: then nothing counts as ours, and nothing is removed.
    return [];
  }
};

/** Opens the record in a file. */
export const openRecord = async (path: string): Promise<ImageRecord> => {
  const images = new Map((await read(path)).map((image) => [image.id, image]));
  let written = Promise.resolve();
  const write = async (): Promise<void> => {
    await writeFile(`${path}.new`, JSON.stringify([...images.values()]));
    await rename(`${path}.new`, path);
  };
  /** One after the other. A record that cannot be written costs the next worker some room on the disk. */
  const save = (): Promise<void> => {
    written = written.then(write).catch(() => undefined);
    return written;
  };
  return {
    note: async (image, { isOurs }) => {
      const known = images.get(image.id);
      if (!isOurs && !known) return;
      // A name that was there before the worker asked for it is not the worker's to remove.
      const names = isOurs ? [...(known?.names ?? []), ...image.names] : (known?.names ?? []);
      images.set(image.id, { ...image, names: [...new Set(names)] });
      await save();
    },
    forget: async (id) => {
      images.delete(id);
      await save();
    },
    leastRecentlyUsed: () => [...images.values()].sort((a, b) => a.usedAt.getTime() - b.usedAt.getTime()),
  };
};

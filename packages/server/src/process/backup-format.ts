import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, type Header, type Pack, pack } from 'tar-stream';
import { Type } from 'typebox';
import Value from 'typebox/value';
import type { Archive } from '../base/index.ts';

/** The description of a backup, which is the first file in it. */
export const Manifest = Type.Object({
  format: Type.Literal(1),
  /** The version of Taskyard that made it. */
  taskyard: Type.String(),
  /** The newest migration of its database. */
  migration: Type.Integer(),
  /** The major version of PostgreSQL of its files. */
  postgres: Type.String(),
  /** The system of its files: `linux-x64`. */
  platform: Type.String(),
  created: Type.String(),
});
export type Manifest = Type.Static<typeof Manifest>;

export const manifestName = 'taskyard-backup.json';

/** A backup cannot be made or restored; the message is for people. */
export class BackupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackupError';
  }
}

const addEntry = (archive: Pack, header: Partial<Header> & { name: string }, text = ''): Promise<void> =>
  new Promise((resolve, reject) => {
    archive.entry(header, text, (error) => (error ? reject(error) : resolve()));
  });

/** A file's bytes, exactly as many as announced, since the file may grow or shrink while it is read. */
async function* exactly(path: string, size: number): AsyncGenerator<Buffer> {
  let left = size;
  if (left > 0) {
    for await (const chunk of createReadStream(path, { end: size - 1 })) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  }
  for (; left > 0; left -= Math.min(left, 65_536)) yield Buffer.alloc(Math.min(left, 65_536));
}

const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const addFile = async (archive: Pack, name: string, path: string): Promise<void> => {
  const facts = await stat(path).catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });
  if (!facts) return;
  const entry = archive.entry({ name, size: facts.size, mode: 0o600, mtime: facts.mtime });
  await pipeline(Readable.from(exactly(path, facts.size)), entry);
};

/** Writes a backup: `fill` adds its files. */
export const writeArchive = async (
  file: string,
  fill: (archive: Archive) => Promise<void>,
): Promise<void> => {
  const archive = pack();
  const output = createWriteStream(file, { mode: 0o600, flags: 'wx' });
  const written = pipeline(archive, createGzip({ level: 1 }), output);
  const filled = fill({
    folder: (name) => addEntry(archive, { name, type: 'directory', mode: 0o700 }),
    file: (name, path) => addFile(archive, name, path),
    text: (name, text) => addEntry(archive, { name, mode: 0o600 }, text),
  }).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  );
  await Promise.all([written, filled]);
  const handle = await open(file, 'r');
  await handle.sync().finally(() => handle.close());
};

const readText = async (stream: AsyncIterable<unknown>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
};

const readManifest = (text: string): Manifest => {
  try {
    return Value.Parse(Manifest, JSON.parse(text));
  } catch (cause) {
    throw new BackupError('This version of Taskyard cannot read it as a backup.', { cause });
  }
};

const pathIn = (folder: string, name: string): string => {
  const parts = name.split('/').filter((part) => part !== '');
  if (name.startsWith('/') || parts.some((part) => part === '..' || part.includes('\\'))) {
    throw new BackupError(`It holds a file outside of the data folder: ${JSON.stringify(name)}.`);
  }
  return join(folder, ...parts);
};

/** Reads a backup into a folder. `check` is called with its description before anything is written. */
export const readArchive = async (
  file: string,
  folder: string,
  check: (manifest: Manifest) => Promise<void>,
): Promise<Manifest> => {
  const archive = extract();
  const unpacked = pipeline(createReadStream(file), createGunzip() as Transform, archive);
  let manifest: Manifest | undefined;
  const read = async (): Promise<void> => {
    for await (const entry of archive) {
      const { name, type } = entry.header;
      if (!manifest) {
        if (name !== manifestName) throw new BackupError('It is not a backup of Taskyard.');
        manifest = readManifest(await readText(entry));
        await check(manifest);
        continue;
      }
      const path = pathIn(folder, name);
      await mkdir(type === 'directory' ? path : dirname(path), { recursive: true, mode: 0o700 });
      if (type === 'directory') entry.resume();
      else await pipeline(entry, createWriteStream(path, { mode: 0o600, flags: 'wx' }));
    }
  };
  // The reader's own error is more precise than that of the pipeline.
  await Promise.all([unpacked.catch((error: unknown) => archive.destroy(error as Error)), read()]);
  if (!manifest) throw new BackupError('It is empty.');
  return manifest;
};

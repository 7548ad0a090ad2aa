import { createHash } from 'node:crypto';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { RequestError, slugid } from '../../base/index.ts';

/** The description of the bytes at a key, with the name of the file that contains them. */
export interface About {
  readonly key: string;
  readonly file: string;
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly contentLength: number;
  readonly sha256: string;
}

export interface NewFile {
  readonly key: string;
  readonly contentType: string;
  readonly contentEncoding?: string;
  /** The largest number of bytes. */
  readonly bytesMax: number;
  /** The exact number of bytes, if it is known. */
  readonly contentLength?: number;
}

/** An open file, which stays readable when it is replaced or deleted. Close it, or read it to its end. */
export interface OpenFile {
  readonly about: Omit<About, 'key' | 'file'>;
  read(first: number, last: number): Readable;
  close(): Promise<void>;
}

/** Bytes that are stored. */
export interface StoredFile {
  readonly key: string;
  readonly bytes: number;
  readonly storedAt: Date;
}

/**
 * Decides whether bytes may replace others at a key: calls `replace`, possibly again, or throws a refusal.
 */
export type Replacing = (key: string, replace: () => Promise<void>) => Promise<void>;

const freely: Replacing = (_key, replace) => replace();

const aboutName = 'about.json';
const writableMode = 0o200;
const openAttemptsMax = 5;

/**
 * The end of a key as a file name that is valid on every system, with its extension, so that a person can open the file.
 */
const fileNameOf = (key: string): string => {
  const last = key.split('/').at(-1) ?? '';
  return `${slugid()}-${last.replace(/[^A-Za-z0-9._-]/g, '_').slice(-100)}`;
};

/**
 * Files of bytes below one folder. Each key has its own folder, named by the key's hash, so that no key can lead outside, be
 * too long, or differ from another only in case. `about.json` in it describes the bytes and names the file that contains
 * them. It is replaced by a rename, so bytes and description change together.
 */
export const diskFiles = (folder: string) => {
  const uploads = join(folder, 'uploads');

  const folderOf = (key: string): string => {
    const hash = createHash('sha256').update(key).digest('hex');
    return join(folder, hash.slice(0, 2), hash.slice(2));
  };

  const find = async (key: string): Promise<About | undefined> => {
    const text = await readFile(join(folderOf(key), aboutName), 'utf8').catch(noFile);
    return text === undefined ? undefined : (JSON.parse(text) as About);
  };

  /** Stores bytes at a key. When there are others, `replacing` decides. Storing the same bytes again changes nothing. */
  const put = async (file: NewFile, bytes: Readable, replacing = freely): Promise<About> => {
    await mkdir(uploads, { recursive: true, mode: 0o700 });
    const home = folderOf(file.key);
    const temporary = join(uploads, slugid());
    const draft = `${temporary}.about`;
    try {
      const about = await writeBytes(temporary, file, bytes);
      await mkdir(home, { recursive: true, mode: 0o700 });
      await rename(temporary, join(home, about.file));
      await writeFile(draft, JSON.stringify(about), { mode: 0o600, flush: true });
      const isKept = await describe(home, draft, { about, replacing }).catch(async (error: unknown) => {
        await rm(join(home, about.file), { force: true });
        throw error;
      });
      if (!isKept) await rm(join(home, about.file), { force: true });
      return about;
    } finally {
      await rm(temporary, { force: true });
      await rm(draft, { force: true });
    }
  };

  const openKey = async (key: string): Promise<OpenFile | undefined> => {
    for (let attempt = 1; attempt <= openAttemptsMax; attempt++) {
      const about = await find(key);
      if (!about) return undefined;
      // The file is missing when its bytes have just been replaced; then there is a new description.
      const handle = await open(join(folderOf(key), about.file), 'r').catch(noFile);
      if (handle) {
        const read = (first: number, last: number) => streamOf(handle, first, last);
        return { about, read, close: () => handle.close() };
      }
    }
    throw new Error('The bytes at a key of the object store are missing');
  };

  /** The current file with the bytes of a key. It changes when they are replaced. */
  const locate = async (key: string): Promise<string | undefined> => {
    const about = await find(key);
    return about && join(folderOf(key), about.file);
  };

  const seal = async (key: string): Promise<void> => {
    const handle = await open(join(folderOf(key), aboutName), 'r').catch(noFile);
    await handle?.chmod(0o400).finally(() => handle.close());
  };

  const remove = (key: string): Promise<void> => rm(folderOf(key), { recursive: true, force: true });

  const list = (): AsyncGenerator<StoredFile> => listBelow(folder);

  const sweepUploads = (before: Date): Promise<number> => sweep(uploads, before);

  return { put, open: openKey, find, locate, seal, remove, list, sweepUploads };
};

export type DiskFiles = ReturnType<typeof diskFiles>;

/** Everything that is stored below a folder, in no order; what comes or goes meanwhile may be among it. */
async function* listBelow(folder: string): AsyncGenerator<StoredFile> {
  for (const outer of await readdir(folder).catch(() => [])) {
    if (!/^[0-9a-f]{2}$/.test(outer)) continue;
    for (const inner of await readdir(join(folder, outer)).catch(() => [])) {
      const path = join(folder, outer, inner, aboutName);
      const [text, facts] = await Promise.all([
        readFile(path, 'utf8').catch(noFile),
        stat(path).catch(noFile),
      ]);
      if (text === undefined || !facts) continue;
      const { key, contentLength } = JSON.parse(text) as About;
      yield { key, bytes: contentLength, storedAt: facts.mtime };
    }
  }
}

/** Deletes the remains of uploads that were interrupted before a time; returns how many there were. */
const sweep = async (uploads: string, before: Date): Promise<number> => {
  let swept = 0;
  for (const name of await readdir(uploads).catch(() => [])) {
    const file = join(uploads, name);
    const facts = await stat(file).catch(noFile);
    if (!facts || facts.mtime >= before) continue;
    await rm(file, { force: true });
    swept++;
  }
  return swept;
};

const noFile = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined;
  throw error;
};

const writeBytes = async (path: string, file: NewFile, bytes: Readable): Promise<About> => {
  const { key, contentType, contentEncoding } = file;
  const handle = await open(path, 'wx', 0o600);
  try {
    const counted = counter(file);
    await writeFile(handle, counted.pass(bytes));
    await handle.sync();
    const encoding = contentEncoding ? { contentEncoding } : {};
    return { key, file: fileNameOf(key), contentType, ...encoding, ...counted.result() };
  } finally {
    await handle.close();
  }
};

const counter = ({ bytesMax, contentLength }: NewFile) => {
  const hash = createHash('sha256');
  const max = contentLength ?? bytesMax;
  let count = 0;
  return {
    async *pass(bytes: Readable): AsyncGenerator<Buffer> {
      // A refused request must not be destroyed, since its reply has yet to be sent.
      for await (const chunk of bytes.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        count += chunk.length;
        if (count > max) {
          throw new RequestError(
            'InputTooLarge',
            `More than the ${max} bytes that were announced or are allowed.`,
          );
        }
        hash.update(chunk);
        yield chunk;
      }
      if (contentLength !== undefined && count !== contentLength) {
        throw new RequestError(
          'InputError',
          `${count} bytes came instead of the ${contentLength} announced.`,
        );
      }
    },
    result: () => ({ contentLength: count, sha256: hash.digest('hex') }),
  };
};

interface Description {
  readonly about: About;
  readonly replacing: Replacing;
}

/** Puts a description in place, and with it its bytes. Returns false when the same bytes are there already. */
const describe = async (home: string, draft: string, { about, replacing }: Description): Promise<boolean> => {
  const description = join(home, aboutName);
  if (!(await isLinked(draft, description))) {
    await refuseSealed(description);
    const former = JSON.parse(await readFile(description, 'utf8')) as About;
    if (isSame(former, about)) return false;
    let replaced: Promise<void> | undefined;
    await replacing(about.key, async () => {
      await refuseSealed(description);
      replaced ??= rename(draft, description);
      await replaced;
    });
    await rm(join(home, former.file), { force: true });
  }
  // A file name is durable only after its folder is flushed.
  for (const folder of [home, dirname(home)]) await syncFolder(folder);
  return true;
};

/** Renames a file, unless the new name is taken. */
const isLinked = (path: string, name: string): Promise<boolean> =>
  link(path, name).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );

const refuseSealed = async (description: string): Promise<void> => {
  const sealed = await stat(description).catch(noFile);
  if (sealed && (sealed.mode & writableMode) === 0) {
    throw new RequestError('RequestConflict', 'These bytes are final: their upload was finished before.');
  }
};

const isSame = (one: About, other: About): boolean =>
  one.sha256 === other.sha256 &&
  one.contentType === other.contentType &&
  one.contentEncoding === other.contentEncoding;

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
};

const streamOf = (handle: FileHandle, first: number, last: number): Readable => {
  if (last >= first) return handle.createReadStream({ start: first, end: last, autoClose: true });
  // A read stream cannot have an empty range.
  void handle.close();
  return Readable.from([]);
};

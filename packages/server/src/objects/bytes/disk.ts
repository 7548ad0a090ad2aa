import { createHash } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { slugid } from '../../base/index.ts';
import type { Backend, HashAlgorithm, StoredBytes } from './backend.ts';
import { type DiskFiles, diskFiles, type OpenFile } from './disk-files.ts';
import { signedPath } from './signed-url.ts';

export interface DiskOptions {
  readonly folder: string;
  /** The name in its URLs; absent for the backend whose URLs have no name. */
  readonly name?: string;
  /** The URL of the platform for clients, without a trailing slash. */
  rootUrl(): string;
  /** The largest upload, in bytes. */
  readonly uploadBytesMax: number;
}

/** The disk backend, with what the byte routes need. */
export interface DiskBackend extends Backend {
  readonly files: DiskFiles;
  readonly uploadBytesMax: number;
  secret(): Promise<string>;
}

/**
 * Stores bytes in a folder on this machine. This server serves the URLs, which it signs with a key next to the files.
 */
export const diskBackend = ({ folder, name, rootUrl, uploadBytesMax }: DiskOptions): DiskBackend => {
  const files = diskFiles(folder);
  let known: Promise<string> | undefined;
  const secret = () => {
    known ??= secretIn(folder);
    return known;
  };

  return {
    files,
    uploadBytesMax,
    secret,
    uploadUrl: async (key, { contentType, contentLength, expires }) => {
      const length = contentLength === undefined ? {} : { contentLength };
      const terms = { method: 'PUT', key, expires, contentType, ...length } as const;
      return {
        url: rootUrl() + signedPath(await secret(), terms, name),
        expires,
        headers: {
          'Content-Type': contentType,
          ...(contentLength === undefined ? {} : { 'Content-Length': String(contentLength) }),
        },
      };
    },
    downloadUrl: async (key, expires) =>
      rootUrl() + signedPath(await secret(), { method: 'GET', key, expires }, name),
    write: (key, bytes, contentType) =>
      files.put({ key, contentType, bytesMax: uploadBytesMax }, Readable.from([bytes])),
    find: (key): Promise<StoredBytes | undefined> => files.find(key),
    hash: async (key, algorithm) => {
      const file = await files.open(key);
      return file && hashOf(file, algorithm);
    },
    locate: files.locate,
    seal: files.seal,
    remove: async (keys) => {
      await Promise.all(keys.map(files.remove));
      return [...keys];
    },
  };
};

/** The hash of the bytes that a reader gets, after decoding what HTTP clients decode. */
const hashOf = async (file: OpenFile, algorithm: HashAlgorithm): Promise<string> => {
  const { contentEncoding, contentLength, sha256 } = file.about;
  if (algorithm === 'sha256' && !contentEncoding) {
    await file.close();
    return sha256;
  }
  const hash = createHash(algorithm);
  const bytes = file.read(0, contentLength - 1);
  await (contentEncoding === 'gzip' ? pipeline(bytes, createGunzip(), hash) : pipeline(bytes, hash));
  return hash.digest('hex');
};

/** The signing key of a folder. The first process creates it, and all processes on the folder share it. */
const secretIn = async (folder: string): Promise<string> => {
  const path = join(folder, 'signing-key');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${slugid()}`;
  await writeFile(draft, slugid() + slugid(), { mode: 0o600 });
  try {
    // A hard link appears with its whole content, and only if the name is free.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
};

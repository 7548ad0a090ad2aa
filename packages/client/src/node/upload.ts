import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gzip, gzipSync } from 'node:zlib';
import type { Credentials } from '../credentials.ts';
import {
  type CreateArtifactsRequest,
  ObjectService,
  type PostArtifactResponse,
  type Queue,
} from '../generated/index.ts';
import { type Content, lengthOf, put, type SignedPut } from './put.ts';
import { uploadInParts } from './upload-parts.ts';

export { type Content, UploadError } from './put.ts';

export interface ArtifactUpload {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
  readonly expires: Date | string;
  readonly contentType: string;
  readonly content: Content;
  /** How to compress the content; only for artifacts of type `s3`. Default `identity`. */
  readonly contentEncoding?: 'identity' | 'gzip' | undefined;
  /** Default `s3`. */
  readonly storageType?: 's3' | 'object' | undefined;
  /** How long the store may neither take nor send a byte before the attempt counts as failed. Default: two minutes. */
  readonly silenceMaxMs?: number | undefined;
  /** From how many bytes on content is uploaded in parts, where the server takes them. Default: 256 MiB. */
  readonly inPartsFrom?: number | undefined;
  /** The credentials at the time of a call, for uploads that last longer than the first ones. Default: those of the queue. */
  readonly freshCredentials?: (() => Credentials) | undefined;
}

const silenceMaxMsDefault = 120_000;

// A call that fails once the bytes are on their way would cost all of them, so callers that repeat uploads as a whole have it
// repeated as well.
const retriesMidway = 5;
const inPartsFromDefault = 256 * 2 ** 20;

const gzipInMemory = promisify(gzip);

const open = (content: Content): Readable =>
  'path' in content ? createReadStream(content.path) : Readable.from([content.bytes]);

// Most artifacts are small: they are read once, and need no copy on disk.
const inMemoryBytesMax = 256 * 1024;

/** A small file as its bytes, other content as it is. A file that grows meanwhile is not read beyond its size. */
const readIfSmall = async (content: Content): Promise<Content> => {
  if (!('path' in content)) return content;
  const file = await openFile(content.path);
  try {
    const { size } = await file.stat();
    if (size > inMemoryBytesMax) return content;
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return { bytes: bytes.subarray(0, bytesRead) };
  } finally {
    await file.close();
  }
};

const readAtOnceBytes = 64 * 1024;

/** Reads into one buffer again and again: a stream would allocate as much as the file is long. */
const compressFile = async (from: string, to: string): Promise<void> => {
  const file = await openFile(from);
  const compressing = createGzip();
  const written = pipeline(compressing, createWriteStream(to, { mode: 0o600 }));
  // It may fail while nothing waits for it; the next wait hears of it.
  written.catch(() => undefined);
  const bytes = Buffer.allocUnsafe(readAtOnceBytes);
  const handOn = (size: number): Promise<void> =>
    new Promise((resolve, reject) => {
      compressing.write(bytes.subarray(0, size), (error) => (error ? reject(error) : resolve()));
    });
  try {
    for (;;) {
      const { bytesRead } = await file.read(bytes, 0, bytes.length);
      if (bytesRead === 0) break;
      // A full disk ends the wait for room in the stream.
      await Promise.race([handOn(bytesRead), written]);
    }
    compressing.end();
    await written;
  } catch (error) {
    compressing.destroy();
    throw error;
  } finally {
    await file.close();
  }
};

/** Calls the function with a compressed copy of the content, and deletes the copy afterwards. */
const withGzip = async (content: Content, use: (compressed: Content) => Promise<void>): Promise<void> => {
  if ('bytes' in content) return use({ bytes: await gzipInMemory(content.bytes) });
  const path = join(tmpdir(), `taskyard-upload-${randomUUID()}.gz`);
  try {
    await compressFile(content.path, path);
    await use({ path });
  } finally {
    await rm(path, { force: true });
  }
};

const sha256Of = async (content: Content): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(open(content), hash);
  return hash.digest('hex');
};

type Stored<Type> = Extract<PostArtifactResponse, { storageType: Type }>;

/** An upload, and what the queue replied to it. */
interface Begun<Type> {
  readonly upload: ArtifactUpload;
  readonly reply: Stored<Type>;
  /** The queue for calls in the midst of the upload, with credentials that are valid now. */
  queueNow(): Queue;
}

const create = (
  queue: Queue,
  { taskId, runId, name, contentType, storageType = 's3', ...upload }: ArtifactUpload,
  signal: AbortSignal | undefined,
): Promise<PostArtifactResponse> => {
  const asked = { storageType, expires: asText(upload.expires), contentType };
  return queue.createArtifact(taskId, runId, name, asked, { signal });
};

const uploadToS3 = async (
  { upload, reply, queueNow }: Begun<'s3'>,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const { contentType, silenceMaxMs = silenceMaxMsDefault, inPartsFrom = inPartsFromDefault } = upload;
  const putBytes = async (content: Content, contentEncoding?: 'gzip'): Promise<void> => {
    if ((await lengthOf(content)) >= inPartsFrom) {
      const parts = { ...upload, expires: asText(upload.expires), contentEncoding, content, silenceMaxMs };
      if (await uploadInParts(queueNow, parts, signal)) return;
    }
    const encoding = contentEncoding ? { 'content-encoding': contentEncoding } : {};
    const signedBy = ({ putUrl }: Stored<'s3'>): SignedPut => ({
      url: putUrl,
      headers: { 'content-type': contentType, ...encoding },
    });
    const renew = async () => signedBy((await create(queueNow(), upload, signal)) as Stored<'s3'>);
    await put({ signed: signedBy(reply), renew, content, signal, silenceMaxMs });
  };
  const content = await readIfSmall(upload.content);
  if (upload.contentEncoding !== 'gzip') return putBytes(content);
  await withGzip(content, (compressed) => putBytes(compressed, 'gzip'));
};

const inlineBytesMax = 8192;

const uploadToObjects = async (
  { upload, reply, queueNow }: Begun<'object'>,
  signal: AbortSignal | undefined,
): Promise<void> => {
  const { name, projectId, uploadId, expires, credentials } = reply;
  const { content, contentType, taskId, runId, silenceMaxMs = silenceMaxMsDefault } = upload;
  const objects = new ObjectService({ ...queueNow().options, credentials, authorizedScopes: undefined });
  const contentLength = await lengthOf(content);
  const hashes = { sha256: await sha256Of(content) };
  const inline =
    contentLength <= inlineBytesMax
      ? { dataInline: { contentType, objectData: (await readBytes(content)).toString('base64') } }
      : {};
  const proposedUploadMethods = { ...inline, putUrl: { contentType, contentLength } };
  const start = async (): Promise<SignedPut | undefined> => {
    const asked = { projectId, uploadId, expires, hashes, proposedUploadMethods };
    const { uploadMethod } = await objects.createUpload(name, asked);
    if (uploadMethod.dataInline) return undefined;
    if (!uploadMethod.putUrl) throw new Error('The object service agreed to no way of uploading.');
    const { url, headers } = uploadMethod.putUrl;
    return { url, headers: withoutLength(headers as Record<string, string>) };
  };
  const signed = await start();
  const renew = async () => (await start()) as SignedPut;
  if (signed) await put({ signed, renew, content, signal, silenceMaxMs });
  await objects.finishUpload(name, { projectId, uploadId, hashes });
  await queueNow().finishArtifact(taskId, runId, upload.name, { uploadId });
};

/** The length is added by what sends the bytes, under its lower-case name. */
const withoutLength = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length'));

const readBytes = async (content: Content): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of open(content)) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
};

/** The most bytes, as they are stored, that come along with an artifact for `createArtifacts`. */
export const contentBytesMax = 8192;

/** Compresses at most 8 KiB, with no more memory than that needs. In the background each would cost ten times as much. */
const gzipFew = (bytes: Uint8Array): Buffer => {
  const windowBits = Math.min(13, Math.max(9, 32 - Math.clz32(bytes.length)));
  return gzipSync(bytes, { windowBits, memLevel: windowBits - 8, chunkSize: 1024 });
};

/**
 * An artifact of type `s3` for `createArtifacts`, together with its bytes; undefined when they are too many to come along.
 */
export const artifactWithContent = (
  upload: Pick<ArtifactUpload, 'name' | 'expires' | 'contentType' | 'contentEncoding'>,
  bytes: Uint8Array,
): CreateArtifactsRequest['artifacts'][number] | undefined => {
  const { name, contentType, contentEncoding } = upload;
  const isCompressed = contentEncoding === 'gzip';
  if (bytes.length > contentBytesMax) return undefined;
  const stored = isCompressed ? gzipFew(bytes) : Buffer.from(bytes);
  if (stored.length > contentBytesMax) return undefined;
  const content = {
    base64: stored.toString('base64'),
    sha256: createHash('sha256').update(stored).digest('hex'),
    ...(isCompressed ? { contentEncoding: 'gzip' as const } : {}),
  };
  return { name, artifact: { storageType: 's3', expires: asText(upload.expires), contentType }, content };
};

const asText = (expires: Date | string): string => (expires instanceof Date ? expires.toJSON() : expires);

/** Creates an artifact and uploads its bytes. Safe to repeat with the same content. */
export const uploadArtifact = async (
  queue: Queue,
  upload: ArtifactUpload,
  signal?: AbortSignal,
): Promise<void> => {
  const { freshCredentials } = upload;
  const retries = Math.max(queue.options.retries ?? 0, retriesMidway);
  const queueNow = () =>
    queue.use({ retries, ...(freshCredentials ? { credentials: freshCredentials() } : {}) });
  const reply = await create(queue, upload, signal);
  if (reply.storageType === 's3') await uploadToS3({ upload, reply, queueNow }, signal);
  else if (reply.storageType === 'object') await uploadToObjects({ upload, reply, queueNow }, signal);
  else throw new Error(`The queue answered with an artifact of type ${reply.storageType}.`);
};

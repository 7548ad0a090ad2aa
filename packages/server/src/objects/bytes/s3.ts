import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip as gunzipWithCallback } from 'node:zlib';
import type { Clock } from '../../base/index.ts';
import type { Backend, PartsBackend } from './backend.ts';
import { Bucket, fromStore, isMissing, patienceOfCalls, type S3Options } from './bucket.ts';
import { S3Parts } from './s3-parts.ts';

export type { S3Options } from './bucket.ts';

const gunzip = promisify(gunzipWithCallback);

/** Larger bytes are not fetched to be hashed: clients check them after the download anyway. */
const hashedBytesMax = 2 ** 20;
/** The limit of decompressed bytes. */
const unzippedBytesMax = 64 * hashedBytesMax;

const unzipped = (bytes: Buffer): Promise<Buffer | undefined> =>
  gunzip(bytes, { maxOutputLength: unzippedBytesMax }).catch(() => undefined);

/** Stores bytes in a bucket. Clients upload and download directly, with URLs that are signed here. */
export const s3Backend = (options: S3Options, clock: Clock, patience = patienceOfCalls): Backend =>
  new S3Backend(new Bucket(options, clock, patience));

class S3Backend implements Backend {
  readonly parts: PartsBackend;
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
    this.parts = new S3Parts(bucket);
  }

  async find(key: string) {
    const { client, HeadObjectCommand } = await this.#bucket.sdk();
    try {
      const { ContentType = '', ContentLength = 0 } = await fromStore(
        client.send(new HeadObjectCommand(this.#bucket.at(key))),
      );
      return { contentType: ContentType, contentLength: ContentLength };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async uploadUrl(key: string, { contentType, contentLength, expires }: Parameters<Backend['uploadUrl']>[1]) {
    const { client, getSignedUrl, PutObjectCommand } = await this.#bucket.sdk();
    const command = new PutObjectCommand({
      ...this.#bucket.at(key),
      ContentType: contentType,
      ...(contentLength === undefined ? {} : { ContentLength: contentLength }),
    });
    // Other headers would be left out of the signature.
    const signableHeaders = new Set(['host', 'content-type', 'content-length']);
    const url = await getSignedUrl(client, command, { ...this.#bucket.until(expires), signableHeaders });
    const length = contentLength === undefined ? {} : { 'Content-Length': String(contentLength) };
    return { url, expires, headers: { 'Content-Type': contentType, ...length } };
  }

  async downloadUrl(key: string, expires: Date) {
    const { client, getSignedUrl, GetObjectCommand } = await this.#bucket.sdk();
    return getSignedUrl(client, new GetObjectCommand(this.#bucket.at(key)), this.#bucket.until(expires));
  }

  async write(key: string, bytes: Buffer, contentType: string) {
    const { client, PutObjectCommand } = await this.#bucket.sdk();
    const command = new PutObjectCommand({ ...this.#bucket.at(key), Body: bytes, ContentType: contentType });
    await fromStore(client.send(command));
    return { contentType, contentLength: bytes.length };
  }

  async hash(key: string, algorithm: string) {
    const found = await this.find(key);
    if (!found || found.contentLength > hashedBytesMax) return undefined;
    const { client, GetObjectCommand } = await this.#bucket.sdk();
    const got = async () => {
      const { Body, ContentEncoding } = await client.send(new GetObjectCommand(this.#bucket.at(key)));
      return { bytes: Buffer.from((await Body?.transformToByteArray()) ?? []), ContentEncoding };
    };
    const { bytes, ContentEncoding } = await fromStore(got());
    const plain = ContentEncoding === 'gzip' ? await unzipped(bytes) : bytes;
    return plain && createHash(algorithm).update(plain).digest('hex');
  }

  async locate() {
    return undefined;
  }

  /** A bucket keeps the last write. Only its own policy can prevent that. */
  async seal() {}

  async remove(keys: readonly string[]) {
    if (keys.length === 0) return [];
    const { client, DeleteObjectsCommand } = await this.#bucket.sdk();
    const Objects = keys.map((key) => ({ Key: this.#bucket.at(key).Key }));
    const { Bucket: bucket } = this.#bucket.at('');
    const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Quiet: true, Objects } });
    const { Errors = [] } = await fromStore(client.send(command));
    const kept = new Set(Errors.map((error) => error.Key));
    return keys.filter((key) => !kept.has(this.#bucket.at(key).Key));
  }
}

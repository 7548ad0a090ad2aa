import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip as gunzipWithCallback } from 'node:zlib';
import type { Clock } from '../../base/index.ts';
import type { Backend } from './backend.ts';

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** The URL of any server with the S3 API; Amazon's when absent. */
  readonly endpoint?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`, which most servers other than Amazon's need. */
  readonly forcePathStyle?: boolean;
  /** When both are absent the SDK looks for a key: environment, files, instance role. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  /** The prefix of each key. */
  readonly prefix?: string;
}

const gunzip = promisify(gunzipWithCallback);

// Loading the SDK takes half a second and much memory, so it is loaded only when a bucket is used.
const loadSdk = async ({ region, endpoint, forcePathStyle = false, ...key }: S3Options) => {
  const { accessKeyId, secretAccessKey } = key;
  const [s3, { getSignedUrl }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
  ]);
  const client = new s3.S3Client({
    region,
    forcePathStyle,
    ...(endpoint ? { endpoint } : {}),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
    // By default the SDK adds checksums that other servers store as if they were content.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { ...s3, client, getSignedUrl };
};

const secondsUntil = (expires: Date, clock: Clock): number =>
  Math.max(1, Math.floor((expires.getTime() - clock.now().getTime()) / 1000));

/** Larger bytes are not fetched to be hashed: clients check them after the download anyway. */
const hashedBytesMax = 2 ** 20;
/** The limit of decompressed bytes. */
const unzippedBytesMax = 64 * hashedBytesMax;

const unzipped = (bytes: Buffer): Promise<Buffer | undefined> =>
  gunzip(bytes, { maxOutputLength: unzippedBytesMax }).catch(() => undefined);

const isMissing = (error: unknown): boolean =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404;

/** Stores bytes in a bucket. Clients upload and download directly, with URLs that are signed here. */
export const s3Backend = (options: S3Options, clock: Clock): Backend => new S3Backend(options, clock);

class S3Backend implements Backend {
  readonly #options: S3Options;
  readonly #clock: Clock;
  #loaded: ReturnType<typeof loadSdk> | undefined;

  constructor(options: S3Options, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  async find(key: string) {
    const { client, HeadObjectCommand } = await this.#sdk();
    try {
      const { ContentType = '', ContentLength = 0 } = await client.send(new HeadObjectCommand(this.#at(key)));
      return { contentType: ContentType, contentLength: ContentLength };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async uploadUrl(key: string, { contentType, contentLength, expires }: Parameters<Backend['uploadUrl']>[1]) {
    const { client, getSignedUrl, PutObjectCommand } = await this.#sdk();
    const command = new PutObjectCommand({
      ...this.#at(key),
      ContentType: contentType,
      ...(contentLength === undefined ? {} : { ContentLength: contentLength }),
    });
    // Other headers would be left out of the signature.
    const signableHeaders = new Set(['host', 'content-type', 'content-length']);
    const url = await getSignedUrl(client, command, { ...this.#until(expires), signableHeaders });
    const length = contentLength === undefined ? {} : { 'Content-Length': String(contentLength) };
    return { url, expires, headers: { 'Content-Type': contentType, ...length } };
  }

  async downloadUrl(key: string, expires: Date) {
    const { client, getSignedUrl, GetObjectCommand } = await this.#sdk();
    return getSignedUrl(client, new GetObjectCommand(this.#at(key)), this.#until(expires));
  }

  async write(key: string, bytes: Buffer, contentType: string) {
    const { client, PutObjectCommand } = await this.#sdk();
    await client.send(new PutObjectCommand({ ...this.#at(key), Body: bytes, ContentType: contentType }));
    return { contentType, contentLength: bytes.length };
  }

  async hash(key: string, algorithm: string) {
    const found = await this.find(key);
    if (!found || found.contentLength > hashedBytesMax) return undefined;
    const { client, GetObjectCommand } = await this.#sdk();
    const { Body, ContentEncoding } = await client.send(new GetObjectCommand(this.#at(key)));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
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
    const { client, DeleteObjectsCommand } = await this.#sdk();
    const Objects = keys.map((key) => ({ Key: this.#at(key).Key }));
    const command = new DeleteObjectsCommand({
      Bucket: this.#options.bucket,
      Delete: { Quiet: true, Objects },
    });
    const { Errors = [] } = await client.send(command);
    const kept = new Set(Errors.map((error) => error.Key));
    return keys.filter((key) => !kept.has(this.#at(key).Key));
  }

  #sdk() {
    this.#loaded ??= loadSdk(this.#options);
    return this.#loaded;
  }

  #at(key: string) {
    const { bucket: Bucket, prefix = '' } = this.#options;
    return { Bucket, Key: prefix + key };
  }

  #until(expires: Date) {
    return { expiresIn: secondsUntil(expires, this.#clock), signingDate: this.#clock.now() };
  }
}

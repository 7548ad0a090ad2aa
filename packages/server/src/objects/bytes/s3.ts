import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip as gunzipWithCallback } from 'node:zlib';
import type { Clock } from '../../base/index.ts';
import type { Backend } from './backend.ts';

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Any server that speaks S3; Amazon's own when absent. */
  readonly endpoint?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`: most servers but Amazon's want it. */
  readonly forcePathStyle?: boolean;
  /** The SDK looks for a key by itself when both are absent: environment, files, instance role. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  /** Put before each key. */
  readonly prefix?: string;
}

const gunzip = promisify(gunzipWithCallback);

// Loading the SDK takes half a second and much memory: only who has a bucket pays for it.
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

/** Larger bytes are not fetched to look at them: whoever downloads them checks, as they must anyway. */
const hashedBytesMax = 2 ** 20;
/** Nothing is made larger than this by undoing its compression. */
const unzippedBytesMax = 64 * hashedBytesMax;

const unzipped = (bytes: Buffer): Promise<Buffer | undefined> =>
  gunzip(bytes, { maxOutputLength: unzippedBytesMax }).catch(() => undefined);

const isMissing = (error: unknown): boolean =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404;

/** Bytes in a bucket: clients upload to it and download from it directly, with URLs that are signed here. */
export const s3Backend = (options: S3Options, clock: Clock): Backend => {
  const { bucket: Bucket, prefix = '' } = options;
  let loaded: ReturnType<typeof loadSdk> | undefined;
  const sdk = () => {
    loaded ??= loadSdk(options);
    return loaded;
  };
  const at = (key: string) => ({ Bucket, Key: prefix + key });

  const find: Backend['find'] = async (key) => {
    const { client, HeadObjectCommand } = await sdk();
    try {
      const { ContentType = '', ContentLength = 0 } = await client.send(new HeadObjectCommand(at(key)));
      return { contentType: ContentType, contentLength: ContentLength };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };

  return {
    find,
    uploadUrl: async (key, { contentType, contentLength, expires }) => {
      const { client, getSignedUrl, PutObjectCommand } = await sdk();
      const command = new PutObjectCommand({
        ...at(key),
        ContentType: contentType,
        ...(contentLength === undefined ? {} : { ContentLength: contentLength }),
      });
      // Headers that are not named here would be left out of the signature.
      const signableHeaders = new Set(['host', 'content-type', 'content-length']);
      const url = await getSignedUrl(client, command, {
        expiresIn: secondsUntil(expires, clock),
        signingDate: clock.now(),
        signableHeaders,
      });
      const length = contentLength === undefined ? {} : { 'Content-Length': String(contentLength) };
      return { url, expires, headers: { 'Content-Type': contentType, ...length } };
    },
    downloadUrl: async (key, expires) => {
      const { client, getSignedUrl, GetObjectCommand } = await sdk();
      return getSignedUrl(client, new GetObjectCommand(at(key)), {
        expiresIn: secondsUntil(expires, clock),
        signingDate: clock.now(),
      });
    },
    write: async (key, bytes, contentType) => {
      const { client, PutObjectCommand } = await sdk();
      await client.send(new PutObjectCommand({ ...at(key), Body: bytes, ContentType: contentType }));
      return { contentType, contentLength: bytes.length };
    },
    hash: async (key, algorithm) => {
      const found = await find(key);
      if (!found || found.contentLength > hashedBytesMax) return undefined;
      const { client, GetObjectCommand } = await sdk();
      const { Body, ContentEncoding } = await client.send(new GetObjectCommand(at(key)));
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
      const plain = ContentEncoding === 'gzip' ? await unzipped(bytes) : bytes;
      return plain && createHash(algorithm).update(plain).digest('hex');
    },
    locate: async () => undefined,
    // A bucket keeps what was written last; to forbid that is a matter of its own policy.
    seal: async () => {},
    remove: async (keys) => {
      if (keys.length === 0) return [];
      const { client, DeleteObjectsCommand } = await sdk();
      const { Errors = [] } = await client.send(
        new DeleteObjectsCommand({
          Bucket,
          Delete: { Quiet: true, Objects: keys.map((key) => ({ Key: at(key).Key })) },
        }),
      );
      const kept = new Set(Errors.map((error) => error.Key));
      return keys.filter((key) => !kept.has(at(key).Key));
    },
  };
};

import { createHash } from 'node:crypto';
import { RequestError } from '../../base/index.ts';
import type { FinishedParts, PartsBackend, PartsTerms, PartsUpload } from './backend.ts';
import { type Bucket, fromStore, isMissing } from './bucket.ts';

// S3 takes parts from 5 MiB to 5 GiB. Some hundred of them repeat little when one fails, and need no long list of URLs.
const partLengthMin = 32 * 2 ** 20;
const partLengthMax = 5 * 2 ** 30;
const partsWanted = 250;

/** The length of each part but the last. */
export const partLengthOf = (contentLength: number): number =>
  Math.min(partLengthMax, Math.max(partLengthMin, Math.ceil(contentLength / partsWanted)));

const badParts: readonly unknown[] = ['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'];

const hexOf = (etag: string): string => etag.replaceAll('"', '');

/**
 * The ETag that S3 gives to joined parts: the MD5 of their MD5s, with their number. Undefined where the ETags of the parts are
 * no MD5s, as some other stores have it.
 */
const etagOfJoined = (etags: readonly string[]): string | undefined => {
  const parts = etags.map(hexOf);
  if (!parts.every((part) => /^[0-9a-f]{32}$/.test(part))) return undefined;
  return `${createHash('md5')
    .update(Buffer.from(parts.join(''), 'hex'))
    .digest('hex')}-${parts.length}`;
};

/**
 * Uploads in parts to a bucket, by S3's multipart uploads. A rule of the bucket removes one that is neither finished nor
 * aborted.
 */
export class S3Parts implements PartsBackend {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async begin(key: string, terms: PartsTerms): Promise<PartsUpload> {
    const { client, getSignedUrl, UploadPartCommand } = await this.#bucket.sdk();
    const { contentLength, expires } = terms;
    const uploadId = terms.uploadId ?? (await this.#create(key, terms));
    const partLength = partLengthOf(contentLength);
    const urls: string[] = [];
    for (let sent = 0; sent < contentLength; sent += partLength) {
      const part = { ...this.#bucket.at(key), UploadId: uploadId, PartNumber: urls.length + 1 };
      urls.push(await getSignedUrl(client, new UploadPartCommand(part), this.#bucket.until(expires)));
    }
    return { uploadId, partLength, urls, expires };
  }

  async #create(key: string, { contentType, contentEncoding }: PartsTerms): Promise<string> {
    const { client, CreateMultipartUploadCommand } = await this.#bucket.sdk();
    const encoding = contentEncoding ? { ContentEncoding: contentEncoding } : {};
    const command = new CreateMultipartUploadCommand({
      ...this.#bucket.at(key),
      ContentType: contentType,
      ...encoding,
    });
    const { UploadId = '' } = await fromStore(client.send(command));
    return UploadId;
  }

  async join(key: string, parts: FinishedParts): Promise<void> {
    const { client, CompleteMultipartUploadCommand } = await this.#bucket.sdk();
    const Parts = parts.etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
    const command = new CompleteMultipartUploadCommand({
      ...this.#bucket.at(key),
      UploadId: parts.uploadId,
      MultipartUpload: { Parts },
    });
    try {
      await fromStore(client.send(command));
    } catch (error) {
      const { name, message } = error as Error;
      if (badParts.includes(name)) throw new RequestError('InputError', `The parts do not fit: ${message}`);
      if (!isMissing(error)) throw error;
      // It was finished by a call whose reply was lost, or is none.
      if (await this.#isJoined(key, parts)) return;
      throw new RequestError('InputError', 'There is no such upload in parts.');
    }
  }

  async abort(key: string, uploadId: string): Promise<void> {
    const { client, AbortMultipartUploadCommand } = await this.#bucket.sdk();
    const command = new AbortMultipartUploadCommand({ ...this.#bucket.at(key), UploadId: uploadId });
    try {
      await fromStore(client.send(command));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** Whether the bytes at a key are these parts: by length alone where ETags do not tell, as in buckets encrypted by KMS. */
  async #isJoined(key: string, { etags, contentLength }: FinishedParts): Promise<boolean> {
    const { client, HeadObjectCommand } = await this.#bucket.sdk();
    try {
      const found = await fromStore(client.send(new HeadObjectCommand(this.#bucket.at(key))));
      if (found.ContentLength !== contentLength) return false;
      const isKms = /^aws:/.test(found.ServerSideEncryption ?? '');
      const wanted = etagOfJoined(etags);
      const etag = hexOf(found.ETag ?? '');
      return isKms || wanted === undefined || !/^[0-9a-f]{32}-\d+$/.test(etag) || etag === wanted;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }
}

import { RequestError } from '../base/index.ts';
import type { Hashes } from './schema.ts';

/** An object as it is stored. */
export interface StoredObject {
  readonly name: string;
  readonly projectId: string;
  readonly uploadId: string;
  readonly backendId: string;
  readonly expires: Date;
  /** Null once the upload is finished. From then on the object does not change. */
  readonly uploadExpires: Date | null;
  readonly hashes: Hashes;
}

export const isFinished = (object: StoredObject): boolean => object.uploadExpires === null;

/** Whether an object can be read. An unfinished or expired one counts as absent. */
export const isReadable = (object: StoredObject | undefined, now: Date): object is StoredObject =>
  object !== undefined && isFinished(object) && object.expires > now;

/** Merges hashes; a RequestConflict when a known one would change. */
export const joinedHashes = (known: Hashes, added: Hashes = {}): Hashes | RequestError => {
  const changed = Object.keys(added).find(
    (algorithm) => Object.hasOwn(known, algorithm) && known[algorithm] !== added[algorithm],
  );
  return changed === undefined
    ? { ...known, ...added }
    : new RequestError('RequestConflict', `The object has another ${changed} already; hashes cannot change.`);
};

export interface UploadTerms {
  readonly projectId: string;
  readonly uploadId: string;
  readonly expires: Date;
  readonly hashes: Hashes;
}

/**
 * The hashes of an object after a (repeated) start of its upload, or why the upload does not belong to that object.
 */
export const afterStart = (object: StoredObject, asked: UploadTerms): Hashes | RequestError => {
  const isSame =
    object.projectId === asked.projectId &&
    object.uploadId === asked.uploadId &&
    object.expires.getTime() === asked.expires.getTime();
  if (!isSame) {
    return new RequestError(
      'RequestConflict',
      `The object ${object.name} exists with another uploadId, projectId or expiry.`,
    );
  }
  if (isFinished(object)) {
    return new RequestError(
      'RequestConflict',
      `The upload of ${object.name} is finished; objects do not change.`,
    );
  }
  return joinedHashes(object.hashes, asked.hashes);
};

/** The hashes of an object when its upload finishes (again), or why it cannot. */
export const afterFinish = (
  object: StoredObject | undefined,
  asked: Omit<UploadTerms, 'expires'> & { readonly name: string },
): Hashes | RequestError => {
  if (!object) return new RequestError('ResourceNotFound', `There is no object ${asked.name}.`);
  if (object.projectId !== asked.projectId)
    return new RequestError('InputError', `The object ${asked.name} belongs to another project.`);
  if (object.uploadId !== asked.uploadId)
    return new RequestError('RequestConflict', `The object ${asked.name} comes from another upload.`);
  const hashes = joinedHashes(object.hashes, asked.hashes);
  if (hashes instanceof RequestError || !isFinished(object)) return hashes;
  const isKnown = Object.keys(hashes).length === Object.keys(object.hashes).length;
  return isKnown
    ? hashes
    : new RequestError('RequestConflict', 'The upload is finished; no hashes can be added any more.');
};

import { type Batched, RequestError, type Verb } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import type { Backend, HashAlgorithm } from '../bytes/backend.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { FinishUploadRequest, Hashes } from '../schema.ts';
import { backendOf, keyOf } from './backends.ts';
import { changeObjects, checkedHashes } from './changes.ts';

const hashAlgorithms: readonly HashAlgorithm[] = ['sha256', 'sha512'];

/** The end of an upload, for the object. */
export interface UploadToFinish {
  readonly name: string;
  readonly projectId: string;
  readonly uploadId: string;
  readonly hashes: Hashes;
}

/** Makes objects readable and final. Safe to repeat. */
export const finishUploads: Verb<UploadToFinish, lifecycle.StoredObject, Context> = (tx, items) =>
  changeObjects(tx, items, (object, item) => {
    const hashes = lifecycle.afterFinish(object, item);
    if (hashes instanceof RequestError) return hashes;
    return { ...(object as lifecycle.StoredObject), hashes, uploadExpires: null };
  });

/** The end of an upload, as a caller requests it. */
export type UploadEnd = FinishUploadRequest & { readonly name: string; readonly authorize: Authorize };

/** Makes the object readable and final. Safe to repeat. The bytes are checked if the backend can do that. */
export const finishUpload = async (
  context: Context,
  {
    reads,
    finishes,
  }: {
    readonly reads: Batched<string, lifecycle.StoredObject | undefined>;
    readonly finishes: Batched<UploadToFinish, lifecycle.StoredObject>;
  },
  request: UploadEnd,
): Promise<object> => {
  const { name, projectId, uploadId, authorize } = request;
  authorize({ projectId });
  const hashes = checkedHashes(request.hashes);
  const object = await reads.one(name);
  // The owner is checked first: others learn nothing about the bytes, and cause no hashing.
  const known = lifecycle.afterFinish(object, { name, projectId, uploadId, hashes });
  if (known instanceof RequestError || !object) throw known;
  await checkBytes(backendOf(context, object), name, known);
  const finished = await finishes.one({ name, projectId, uploadId, hashes });
  await backendOf(context, finished).seal(keyOf(name));
  return {};
};

const checkBytes = async (backend: Backend, name: string, hashes: Hashes): Promise<void> => {
  for (const algorithm of hashAlgorithms) {
    if (hashes[algorithm] === undefined) continue;
    const actual = await backend.hash(keyOf(name), algorithm);
    if (actual !== undefined && actual !== hashes[algorithm]) {
      throw new RequestError('InputError', `The ${algorithm} of the bytes that were uploaded is ${actual}.`);
    }
  }
};

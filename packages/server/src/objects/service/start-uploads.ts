import {
  type Batched,
  days,
  later,
  minutes,
  RequestError,
  requireDate,
  type Verb,
} from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import type { Backend } from '../bytes/backend.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import { backendFor } from '../placement.ts';
import type { CreateUploadRequest, CreateUploadResponse } from '../schema.ts';
import * as store from '../store.ts';
import { backendOf, keyOf } from './backends.ts';
import { changeObjects, checkedHashes } from './changes.ts';

const uploadUrlMs = minutes(45);
const unfinishedMs = days(1);
const inlineBytesMax = 8192;

/** Reserves names. Safe to repeat with the same uploadId. */
export const startUploads: Verb<lifecycle.StoredObject, lifecycle.StoredObject, Context> = async (
  tx,
  items,
) => {
  await store.insertObjects(tx, items);
  return changeObjects(tx, items, (inserted, item) => {
    const object = inserted as lifecycle.StoredObject;
    const hashes = lifecycle.afterStart(object, item);
    return hashes instanceof RequestError ? hashes : { ...object, hashes };
  });
};

/** An upload, as a caller requests it. */
export type UploadToStart = CreateUploadRequest & { readonly name: string; readonly authorize: Authorize };

/** Reserves the name and returns how to upload. Safe to repeat with the same uploadId, which renews the URL. */
export const createUpload = async (
  context: Context,
  starts: Batched<lifecycle.StoredObject, lifecycle.StoredObject>,
  request: UploadToStart,
): Promise<CreateUploadResponse> => {
  const { name, projectId, uploadId, authorize, proposedUploadMethods: proposed } = request;
  authorize({ projectId });
  const inline = proposed.dataInline && inlineBytes(proposed.dataInline.objectData);
  if (proposed.putUrl) requireLength(proposed.putUrl.contentLength);
  const now = context.clock.now();
  const object = await starts.one({
    name,
    projectId,
    uploadId,
    backendId: placeFor(context, request),
    expires: requireDate(request.expires, 'expires'),
    uploadExpires: later(now, unfinishedMs),
    hashes: checkedHashes(request.hashes),
  });
  const uploadMethod = await chooseMethod(backendOf(context, object), { name, proposed, inline, now });
  return { projectId, uploadId, expires: object.expires.toJSON(), uploadMethod };
};

const placeFor = ({ placement }: Context, object: { name: string; projectId: string }): string => {
  const backendId = backendFor(placement, object);
  if (backendId !== undefined) return backendId;
  throw new RequestError('NoMatchingBackend', `No backend is configured for objects like ${object.name}.`);
};

const inlineBytes = (base64: string): Buffer => {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length <= inlineBytesMax) return bytes;
  throw new RequestError('InputError', `dataInline takes at most ${inlineBytesMax} bytes.`);
};

// The published schema takes any whole number: a URL for fewer bytes than none, or more than can be counted, is of no use.
const requireLength = (contentLength: number): void => {
  if (contentLength >= 0 && Number.isSafeInteger(contentLength)) return;
  throw new RequestError('InputError', 'putUrl takes a contentLength from 0 to 9007199254740991.');
};

interface MethodChoice {
  readonly name: string;
  readonly proposed: CreateUploadRequest['proposedUploadMethods'];
  readonly inline: Buffer | undefined;
  readonly now: Date;
}

const chooseMethod = async (
  backend: Backend,
  { name, proposed, inline, now }: MethodChoice,
): Promise<CreateUploadResponse['uploadMethod']> => {
  if (proposed.dataInline && inline) {
    await backend.write(keyOf(name), inline, proposed.dataInline.contentType);
    return { dataInline: true };
  }
  if (proposed.putUrl) {
    const terms = { ...proposed.putUrl, expires: later(now, uploadUrlMs) };
    const { url, expires, headers } = await backend.uploadUrl(keyOf(name), terms);
    return { putUrl: { url, expires: expires.toJSON(), headers: { ...headers } } };
  }
  return {};
};

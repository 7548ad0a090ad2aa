import { type Batched, later, minutes, RequestError, type Sql, type Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { DownloadObjectRequest, DownloadObjectResponse, ObjectMetadata } from '../schema.ts';
import * as store from '../store.ts';
import { backendOf, keyOf } from './backends.ts';
import { byName } from './changes.ts';

const downloadUrlMs = minutes(30);

/** Objects by name, readable or not; undefined for those that do not exist. */
export const readObjects = async (
  sql: Sql,
  names: readonly string[],
): Promise<(lifecycle.StoredObject | undefined)[]> => {
  const objects = byName(await store.readObjects(sql, names));
  return names.map((name) => objects.get(name));
};

/** Which of these objects can be read now. */
export const readableAmong = async (
  sql: Sql,
  names: readonly string[],
  { now }: Pick<Work<Context>, 'now'>,
): Promise<Set<string>> => {
  const objects = await store.readObjects(sql, names);
  return new Set(objects.filter((found) => lifecycle.isReadable(found, now)).map((found) => found.name));
};

type Reads = Batched<string, lifecycle.StoredObject | undefined>;

/** An object that can be read; throws ResourceNotFound for any other. */
const requireReadable = async (
  { clock }: Context,
  reads: Reads,
  name: string,
): Promise<lifecycle.StoredObject> => {
  const object = await reads.one(name);
  if (lifecycle.isReadable(object, clock.now())) return object;
  throw new RequestError('ResourceNotFound', `There is no object ${name}, or its upload is not finished.`);
};

const urlOf = (context: Context, object: lifecycle.StoredObject, expires: Date): Promise<string> =>
  backendOf(context, object).downloadUrl(keyOf(object.name), expires);

/** How to download an object, by the best method that the caller supports. */
export const startDownload = async (
  context: Context,
  reads: Reads,
  { name, acceptDownloadMethods: accepted }: DownloadObjectRequest & { readonly name: string },
): Promise<DownloadObjectResponse> => {
  const object = await requireReadable(context, reads, name);
  const expires = later(context.clock.now(), downloadUrlMs);
  const url = await urlOf(context, object, expires);
  if (accepted.getUrl) return { method: 'getUrl', url, expires: expires.toJSON(), hashes: object.hashes };
  if (accepted.simple) return { method: 'simple', url };
  throw new RequestError(
    'NoMatchingMethod',
    'An object is downloaded by getUrl or simple; neither was accepted.',
  );
};

/** The properties of a readable object. */
export const readMetadata = async (context: Context, reads: Reads, name: string): Promise<ObjectMetadata> => {
  const { projectId, expires, hashes } = await requireReadable(context, reads, name);
  return { projectId, expires: expires.toJSON(), hashes };
};

/** A URL to read an object, valid for some minutes; throws ResourceNotFound when it cannot be read. */
export const downloadUrl = async (context: Context, reads: Reads, name: string): Promise<string> =>
  urlOf(context, await requireReadable(context, reads, name), later(context.clock.now(), downloadUrlMs));

/** The file on this machine with an object's bytes; undefined when there is none. */
export const locate = async (context: Context, reads: Reads, name: string): Promise<string | undefined> =>
  backendOf(context, await requireReadable(context, reads, name)).locate(keyOf(name));

import {
  type BaseContext,
  batched,
  batchedRead,
  days,
  later,
  minutes,
  RequestError,
  requireDate,
  type Sql,
  type Transaction,
} from '../base/index.ts';
import { type Authorize, type Reply, redirectTo } from '../http/index.ts';
import type { Backend, HashAlgorithm } from './bytes/backend.ts';
import * as lifecycle from './lifecycle.ts';
import { backendFor, type PlacementRule } from './placement.ts';
import type {
  CreateUploadRequest,
  CreateUploadResponse,
  DownloadObjectRequest,
  DownloadObjectResponse,
  FinishUploadRequest,
  Hashes,
  ObjectMetadata,
} from './schema.ts';
import * as store from './store.ts';

export interface ObjectServiceDeps extends BaseContext {
  readonly backends: ReadonlyMap<string, Backend>;
  readonly placement: readonly PlacementRule[];
}

interface Named {
  readonly name: string;
}
interface Authorized extends Named {
  readonly authorize: Authorize;
}

const uploadUrlMs = minutes(45);
const downloadUrlMs = minutes(30);
const unfinishedMs = days(1);
const inlineBytesMax = 8192;
const hashAlgorithms: readonly HashAlgorithm[] = ['sha256', 'sha512'];

/**
 * Where the bytes of an object lie in its backend. Keys of artifacts begin with a task id, so none is the
 * same.
 */
const keyOf = (name: string): string => `objects/${name}`;

export const createObjectService = (deps: ObjectServiceDeps) => {
  const backendOf = ({ backendId }: { readonly backendId: string }): Backend => {
    const backend = deps.backends.get(backendId);
    if (backend) return backend;
    throw new RequestError(
      'NoMatchingBackend',
      `The object lies in the backend ${backendId}, which is not configured any more.`,
    );
  };

  const reads = batchedRead(deps, 'read-objects', async (sql, names: readonly string[]) => {
    const objects = byName(await store.readObjects(sql, names));
    return names.map((name) => objects.get(name));
  });
  const starts = batched(deps, 'start-uploads', startUploads);
  const finishes = batched(deps, 'finish-uploads', finishUploads);

  const readable = async (name: string): Promise<lifecycle.StoredObject> => {
    const object = await reads.one(name);
    if (lifecycle.isReadable(object, deps.clock.now())) return object;
    throw new RequestError('ResourceNotFound', `There is no object ${name}, or its upload is not finished.`);
  };

  const urlOf = (object: lifecycle.StoredObject, expires: Date): Promise<string> =>
    backendOf(object).downloadUrl(keyOf(object.name), expires);

  /**
   * Reserves the name and says how to upload. Safe to repeat with the same uploadId: the URL is refreshed.
   */
  const createUpload = async (request: CreateUploadRequest & Authorized): Promise<CreateUploadResponse> => {
    const { name, projectId, uploadId, authorize, proposedUploadMethods: proposed } = request;
    authorize({ projectId });
    const inline = proposed.dataInline && inlineBytes(proposed.dataInline.objectData);
    const backendId = placeFor(deps.placement, request);
    const now = deps.clock.now();
    const object = await starts.one({
      name,
      projectId,
      uploadId,
      backendId,
      expires: requireDate(request.expires, 'expires'),
      uploadExpires: later(now, unfinishedMs),
      hashes: checkedHashes(request.hashes),
    });
    const uploadMethod = await chooseMethod(backendOf(object), { name, proposed, inline, now });
    return { projectId, uploadId, expires: object.expires.toJSON(), uploadMethod };
  };

  /**
   * Makes the object readable, for good. Safe to repeat; the bytes are checked where the backend can do it.
   */
  const finishUpload = async (request: FinishUploadRequest & Authorized): Promise<object> => {
    const { name, projectId, uploadId, authorize } = request;
    authorize({ projectId });
    const hashes = checkedHashes(request.hashes);
    const object = await reads.one(name);
    // Whose it is goes first: others learn nothing of the bytes, and have nothing hashed.
    const known = lifecycle.afterFinish(object, { name, projectId, uploadId, hashes });
    if (known instanceof RequestError || !object) throw known;
    await checkBytes(backendOf(object), name, known);
    const finished = await finishes.one({ name, projectId, uploadId, hashes });
    await backendOf(finished).seal(keyOf(name));
    return {};
  };

  /** How to download, by the best method that the caller can use. */
  const startDownload = async ({
    name,
    acceptDownloadMethods: accepted,
  }: DownloadObjectRequest & Named): Promise<DownloadObjectResponse> => {
    const object = await readable(name);
    const expires = later(deps.clock.now(), downloadUrlMs);
    const url = await urlOf(object, expires);
    if (accepted.getUrl) return { method: 'getUrl', url, expires: expires.toJSON(), hashes: object.hashes };
    if (accepted.simple) return { method: 'simple', url };
    throw new RequestError(
      'NoMatchingMethod',
      'An object is downloaded by getUrl or simple; neither was accepted.',
    );
  };

  /** What is known of an object that can be read. */
  const object = async ({ name }: Named): Promise<ObjectMetadata> => {
    const { projectId, expires, hashes } = await readable(name);
    return { projectId, expires: expires.toJSON(), hashes };
  };

  /** A URL to read an object from, for some minutes; a ResourceNotFound when it cannot be read. */
  const downloadUrl = async (name: string): Promise<string> =>
    urlOf(await readable(name), later(deps.clock.now(), downloadUrlMs));

  const download = async ({ name }: Named): Promise<Reply> => redirectTo(await downloadUrl(name));

  /** Which of these objects can be read now. */
  const readableAmong = async (sql: Sql, names: readonly string[]): Promise<Set<string>> => {
    const now = deps.clock.now();
    const objects = await store.readObjects(sql, names);
    return new Set(objects.filter((found) => lifecycle.isReadable(found, now)).map((found) => found.name));
  };

  /** The file of this machine that holds an object's bytes; undefined when there is none. */
  const locate = async (name: string): Promise<string | undefined> =>
    backendOf(await readable(name)).locate(keyOf(name));

  /** One step of the expiry loop: bytes go first, so that none is left without a row that knows of it. */
  const expireObjects = (limit: number): Promise<number> =>
    deps.db.transaction(async (tx) => {
      // Objects of a backend that is not configured stay: their bytes cannot be deleted from here.
      const backendIds = [...deps.backends.keys()];
      const expired = await store.lockExpired(tx, { backendIds, now: deps.clock.now(), limit });
      const removed: string[] = [];
      for (const [backendId, backend] of deps.backends) {
        const names = expired.filter((row) => row.backendId === backendId).map((row) => row.name);
        const free = new Set(await backend.remove(names.map(keyOf)));
        removed.push(...names.filter((name) => free.has(keyOf(name))));
      }
      await store.deleteObjects(tx, removed);
      return removed.length;
    });

  return {
    createUpload,
    finishUpload,
    startDownload,
    object,
    download,
    downloadUrl,
    readableAmong,
    locate,
    expireObjects,
  };
};

const byName = (objects: readonly lifecycle.StoredObject[]): Map<string, lifecycle.StoredObject> =>
  new Map(objects.map((object) => [object.name, object]));

const placeFor = (rules: readonly PlacementRule[], object: { name: string; projectId: string }): string => {
  const backendId = backendFor(rules, object);
  if (backendId !== undefined) return backendId;
  throw new RequestError('NoMatchingBackend', `No backend is configured for objects like ${object.name}.`);
};

/** Hashes of algorithms that the schema does not know are kept as well, as long as they are plain words. */
const checkedHashes = (hashes: object = {}): Hashes => {
  const words = Object.entries(hashes).flat() as unknown[];
  if (words.every((word) => typeof word === 'string' && /^[\x21-\x7e]{1,1024}$/.test(word))) {
    return hashes as Hashes;
  }
  throw new RequestError('InputError', 'Hashes are words of printable ASCII.');
};

const inlineBytes = (base64: string): Buffer => {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length <= inlineBytesMax) return bytes;
  throw new RequestError('InputError', `dataInline takes at most ${inlineBytesMax} bytes.`);
};

const startUploads = async (tx: Transaction, items: readonly lifecycle.StoredObject[]) => {
  await store.insertObjects(tx, items);
  const objects = byName(
    await store.lockObjects(
      tx,
      items.map((item) => item.name),
    ),
  );
  const answers = items.map((item) => {
    const object = objects.get(item.name) as lifecycle.StoredObject;
    const hashes = lifecycle.afterStart(object, item);
    if (hashes instanceof RequestError) return hashes;
    const changed = { ...object, hashes };
    objects.set(item.name, changed);
    return changed;
  });
  await writeChanges(tx, answers);
  return answers;
};

interface Finish extends Named {
  readonly projectId: string;
  readonly uploadId: string;
  readonly hashes: Hashes;
}

const finishUploads = async (tx: Transaction, items: readonly Finish[]) => {
  const objects = byName(
    await store.lockObjects(
      tx,
      items.map((item) => item.name),
    ),
  );
  const answers = items.map((item) => {
    const object = objects.get(item.name);
    const hashes = lifecycle.afterFinish(object, item);
    if (hashes instanceof RequestError) return hashes;
    const changed = { ...(object as lifecycle.StoredObject), hashes, uploadExpires: null };
    objects.set(item.name, changed);
    return changed;
  });
  await writeChanges(tx, answers);
  return answers;
};

const isObject = (answer: lifecycle.StoredObject | RequestError): answer is lifecycle.StoredObject =>
  !(answer instanceof RequestError);

/** Writes what became of each object; the last answer about an object is the one that holds. */
const writeChanges = async (
  tx: Transaction,
  answers: readonly (lifecycle.StoredObject | RequestError)[],
): Promise<void> => {
  const changed = byName(answers.filter(isObject));
  const changes = [...changed.values()].map((object) => ({
    name: object.name,
    hashes: object.hashes,
    isFinished: lifecycle.isFinished(object),
  }));
  if (changes.length > 0) await store.changeObjects(tx, changes);
};

interface MethodChoice extends Named {
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

const checkBytes = async (backend: Backend, name: string, hashes: Hashes): Promise<void> => {
  for (const algorithm of hashAlgorithms) {
    if (hashes[algorithm] === undefined) continue;
    const actual = await backend.hash(keyOf(name), algorithm);
    if (actual !== undefined && actual !== hashes[algorithm]) {
      throw new RequestError('InputError', `The ${algorithm} of the bytes that were uploaded is ${actual}.`);
    }
  }
};

import { bindVerbs, inBatches, inReads, type Sql, type Transaction } from '../../base/index.ts';
import { type Reply, redirectTo } from '../../http/index.ts';
import { contentUrl } from '../bytes/contents.ts';
import type { Context } from '../context.ts';
import type { DownloadObjectRequest } from '../schema.ts';
import * as store from '../store.ts';
import { expireObjects } from './expire.ts';
import { finishUpload, finishUploads, type UploadEnd } from './finish-uploads.ts';
import * as read from './read.ts';
import { createUpload, startUploads, type UploadToStart } from './start-uploads.ts';
import { listStored } from './stored.ts';

export { expireObjects } from './expire.ts';

const verbs = {
  startUploads: inBatches(startUploads),
  finishUploads: inBatches(finishUploads),
  readObjects: inReads(read.readObjects),
};

interface Named {
  readonly name: string;
}

/** The verbs of objects, bound to what they were opened with. */
export const objectVerbs = (context: Context) => {
  const { startUploads: starts, finishUploads: finishes, readObjects: reads } = bindVerbs(context, verbs);
  const downloadUrl = (name: string): Promise<string> => read.downloadUrl(context, reads, name);
  return {
    createUpload: (request: UploadToStart) => createUpload(context, starts, request),
    finishUpload: (request: UploadEnd) => finishUpload(context, { reads, finishes }, request),
    startDownload: (request: DownloadObjectRequest & Named) => read.startDownload(context, reads, request),
    object: ({ name }: Named) => read.readMetadata(context, reads, name),
    download: async ({ name }: Named): Promise<Reply> => redirectTo(await downloadUrl(name)),
    downloadUrl,
    /** Which of these objects can be read now, read in a transaction of another domain. */
    readableAmong: (sql: Sql, names: readonly string[]) =>
      read.readableAmong(sql, names, { now: context.clock.now() }),
    /** A URL of bytes that a higher domain keeps, by their key. */
    contentUrl: (key: string, expires: Date): string => contentUrl(context, { key, expires }),
    /** Bytes of artifacts of type `s3`, by key. */
    artifactBytes: context.artifactBytes,
    locate: (name: string) => read.locate(context, reads, name),
    /** All bytes in the backends on disk. */
    listStored: () => listStored(context),
    /** Lets objects expire at a time, unless they do before. */
    expireAt: (tx: Transaction, names: readonly string[], when: Date): Promise<void> =>
      store.expireObjects(tx, names, when),
    /** Deletes at most this many expired objects; returns how many. */
    deleteExpired: (limit: number): Promise<number> => expireObjects(context, limit),
  };
};

export type ObjectVerbs = ReturnType<typeof objectVerbs>;

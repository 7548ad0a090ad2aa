import {
  bindQueries,
  bindVerbs,
  inBatches,
  inReads,
  RequestError,
  type Transaction,
} from '../../base/index.ts';
import type { Authorize, Reply } from '../../http/index.ts';
import type { Context } from '../context.ts';
import { type ArtifactRef, keepsContent, type NewArtifact } from '../lifecycle.ts';
import type {
  ArtifactContentResponse,
  ArtifactResponse,
  CreateArtifactsResponse,
  PostArtifactResponse,
} from '../schema.ts';
import * as store from '../store.ts';
import { type CleanedArtifacts, type CleaningBounds, cleanArtifacts } from './clean.ts';
import { createArtifacts, whatToDo } from './create.ts';
import { createMany, type NewArtifactsOfRun } from './create-many.ts';
import { expireArtifacts } from './expire.ts';
import { type FinishedUpload, finishArtifacts } from './finish.ts';
import { bytesKey, objectName } from './keys.ts';
import { artifactView, listArtifacts } from './list.ts';
import { createInParts, finishInParts } from './parts.ts';
import { contentOf, findArtifacts, followWith, readContent, redirectTo } from './read.ts';
import { replaceBytes } from './replace.ts';

type Authorized = ArtifactRef & { readonly authorize: Authorize };

const verbs = {
  createArtifacts: inBatches(createArtifacts, { bytesOf: ({ content }) => content?.bytes.length ?? 0 }),
  finishArtifacts: inBatches(finishArtifacts),
  findArtifacts: inReads(findArtifacts),
};
const queries = { listArtifacts };

/** The verbs of artifacts, bound to what they were opened with. */
export const artifactVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  const find = bound.findArtifacts.one;
  const follow = followWith(context, find);
  return {
    ...bindQueries(context, queries),
    /** Adds an artifact to a run, and returns how to upload it. */
    createArtifact: async (item: NewArtifact): Promise<PostArtifactResponse> =>
      whatToDo(await bound.createArtifacts.one(item), context),
    /** Adds artifacts to a run, and keeps the bytes that come along. Each has an answer of its own. */
    createArtifacts: (asked: NewArtifactsOfRun): Promise<CreateArtifactsResponse> =>
      createMany(context, bound.createArtifacts, asked),
    /** Adds artifacts that need no upload, all or none, in the transaction that makes their run. */
    addArtifacts: async (tx: Transaction, items: readonly NewArtifact[], now: Date): Promise<void> => {
      for (const answer of await createArtifacts(tx, items, { now, context }))
        if (answer instanceof RequestError) throw answer;
    },
    /** Adds a large artifact to a run, and returns where its parts go. */
    createInParts: (asked: Parameters<typeof createInParts>[2]) =>
      createInParts(context, bound.createArtifacts, asked),
    /** Joins the parts of a large artifact. */
    finishInParts: (finished: Parameters<typeof finishInParts>[2]) => finishInParts(context, find, finished),
    finishArtifact: (item: FinishedUpload): Promise<undefined> => bound.finishArtifacts.one(item),
    /** Redirects to the bytes (303), or says why there are none (424). */
    getArtifact: async (ref: Authorized): Promise<Reply> => redirectTo(await follow(ref), context),
    /** How to fetch an artifact. */
    artifactContent: async (ref: Authorized): Promise<ArtifactContentResponse> =>
      contentOf(await follow(ref), context),
    /** One artifact as listings show it; links are not followed. */
    artifactInfo: async (ref: ArtifactRef): Promise<ArtifactResponse> => artifactView(await find(ref)),
    /** The file on this machine with an artifact, after following links; undefined when there is none. */
    locateFile: async (ref: ArtifactRef): Promise<string | undefined> => {
      const artifact = await follow({ ...ref, authorize: () => {} });
      if (keepsContent(artifact)) return undefined;
      if (artifact.storageType === 's3') return context.objects.artifactBytes.locate(bytesKey(artifact));
      return artifact.storageType === 'object' ? context.objects.locate(objectName(artifact)) : undefined;
    },
    /** The bytes that an artifact keeps, by their key; undefined when it keeps none. */
    readContent: (key: string) => readContent(context.db, key),
    /** Replaces uploaded bytes, unless they belong to an artifact whose run has ended. */
    replaceBytes: (key: string, replace: () => Promise<void>) => replaceBytes(context, key, replace),
    /** Deletes at most this many expired artifacts; returns how many. */
    expireArtifacts: (limit: number) => expireArtifacts(context, limit),
    /** Deletes artifacts on disk beyond some bounds, of tasks that nobody needs any more. */
    cleanArtifacts: async (
      bounds: CleaningBounds,
      how: { readonly isDryRun: boolean },
    ): Promise<CleanedArtifacts> => {
      const cleaned = await cleanArtifacts(context, bounds, how);
      if (how.isDryRun || cleaned.runs === 0) return cleaned;
      await allOf((limit) => expireArtifacts(context, limit));
      await allOf((limit) => context.objects.deleteExpired(limit));
      return cleaned;
    },
    /** Makes the artifacts of deleted tasks expire, in the transaction that deletes the tasks. */
    expireArtifactsOf: (tx: Transaction, taskIds: readonly string[], now: Date): Promise<void> =>
      store.expireTasks(tx, taskIds, now),
  };
};

/** Repeats a step that does at most this many things until there is nothing left to do. */
const allOf = async (step: (limit: number) => Promise<number>): Promise<void> => {
  for (let done = stepSize; done === stepSize; ) done = await step(stepSize);
};

const stepSize = 100;

export type ArtifactVerbs = ReturnType<typeof artifactVerbs>;

import type { Transaction } from '../../base/index.ts';
import type { Authorize, Reply } from '../../http/index.ts';
import type { ArtifactRef } from '../lifecycle.ts';
import type { ArtifactContentResponse, ArtifactResponse } from '../schema.ts';
import * as store from '../store.ts';
import { createArtifactWith } from './create.ts';
import { type ArtifactDeps, bytesKey, objectName } from './deps.ts';
import { expireArtifactsWith } from './expire.ts';
import { finishArtifactWith } from './finish.ts';
import { artifactView, listArtifactsWith } from './list.ts';
import { contentOf, findArtifactWith, followWith, redirectTo } from './read.ts';

export type { ArtifactDeps } from './deps.ts';

type Authorized = ArtifactRef & { readonly authorize: Authorize };

/** The verbs of artifacts. */
export const createArtifactService = (deps: ArtifactDeps) => {
  const find = findArtifactWith(deps);
  const follow = followWith(deps, find);

  /** Sends the caller to the bytes (303), or tells why there are none (424). */
  const getArtifact = async (ref: Authorized): Promise<Reply> => redirectTo(await follow(ref), deps);

  /** How to fetch an artifact. */
  const artifactContent = async (ref: Authorized): Promise<ArtifactContentResponse> =>
    contentOf(await follow(ref), deps);

  /** What listings show of one artifact; links are not followed. */
  const artifactInfo = async (ref: ArtifactRef): Promise<ArtifactResponse> => artifactView(await find(ref));

  /** The file of this machine that holds an artifact, links followed; undefined when there is none. */
  const locateFile = async (ref: ArtifactRef): Promise<string | undefined> => {
    const artifact = await follow({ ...ref, authorize: () => {} });
    if (artifact.storageType === 's3') return deps.objects.artifactBytes.locate(bytesKey(artifact));
    return artifact.storageType === 'object' ? deps.objects.locate(objectName(artifact)) : undefined;
  };

  /** Lets the artifacts of tasks that are deleted go as well, in the transaction that deletes the tasks. */
  const expireArtifactsOf = (tx: Transaction, taskIds: readonly string[], now: Date): Promise<void> =>
    store.expireTasks(tx, taskIds, now);

  return {
    createArtifact: createArtifactWith(deps),
    finishArtifact: finishArtifactWith(deps),
    getArtifact,
    artifactContent,
    artifactInfo,
    listArtifacts: listArtifactsWith(deps),
    locateFile,
    expireArtifacts: expireArtifactsWith(deps),
    expireArtifactsOf,
  };
};

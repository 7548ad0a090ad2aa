import { later, transact } from '../../base/index.ts';
import { removeReachable } from '../../objects/index.ts';
import type { Context } from '../context.ts';
import { type Artifact, deletedAfterMs, keepsContent } from '../lifecycle.ts';
import * as store from '../store.ts';
import { bytesKey } from './keys.ts';

/**
 * One step of the expiry loop. Bytes are deleted before rows, so that none remain without a row; a row whose bytes could not
 * be deleted stays. Objects expire on their own at the same time.
 */
export const expireArtifacts = (context: Context, limit: number): Promise<number> =>
  transact(context, async (tx, now) => {
    const expired = await store.lockExpired(tx, later(now, -deletedAfterMs), limit);
    const withBytes = expired.filter(hasBytesElsewhere).map(bytesKey);
    const free = await removeReachable(context.objects.artifactBytes, withBytes, context.log);
    const gone = expired.filter((artifact) => !hasBytesElsewhere(artifact) || free.has(bytesKey(artifact)));
    await store.deleteArtifacts(tx, gone);
    return gone.length;
  });

/** Whether its bytes are in the backend of artifacts. */
const hasBytesElsewhere = (artifact: Artifact): boolean =>
  artifact.storageType === 's3' && !keepsContent(artifact);

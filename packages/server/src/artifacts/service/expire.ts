import { later, minutes, transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';
import { bytesKey } from './keys.ts';

// Signed URLs that were handed out just before the expiry are good for so long.
const graceMs = minutes(30);

/**
 * One step of the expiry loop. Bytes go first, so that none is left without a row that knows of it; a row
 * whose bytes could not be deleted stays. Objects expire by themselves, at the same time.
 */
export const expireArtifacts = (context: Context, limit: number): Promise<number> =>
  transact(context, async (tx, now) => {
    const expired = await store.lockExpired(tx, later(now, -graceMs), limit);
    const withBytes = expired.filter((artifact) => artifact.storageType === 's3').map(bytesKey);
    const free = new Set(await context.objects.artifactBytes.remove(withBytes));
    const gone = expired.filter((artifact) => artifact.storageType !== 's3' || free.has(bytesKey(artifact)));
    await store.deleteArtifacts(tx, gone);
    return gone.length;
  });

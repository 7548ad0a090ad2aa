import { later, partsOf, transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { deletedAfterMs } from '../lifecycle.ts';
import * as store from '../store.ts';
import { objectName, partOf } from './keys.ts';

/** How much may stay of the artifacts on disk whose tasks have ended. What is absent is no bound. */
export interface CleaningBounds {
  /** What was stored before this time goes. */
  readonly artifactsBefore?: Date | undefined;
  readonly logsBefore?: Date | undefined;
  /** The oldest go until all together have no more bytes than this. */
  readonly bytesMax?: number | undefined;
}

/** What was deleted, or would be. */
export interface CleanedArtifacts {
  readonly runs: number;
  readonly bytes: number;
}

/** The logs of a run, or its other artifacts, as they are on disk. */
interface Pile extends store.Part {
  bytes: number;
  /** When the newest of them was stored. */
  storedAt: Date;
}

const pilesOnDisk = async ({ objects }: Context): Promise<Pile[]> => {
  const piles = new Map<string, Pile>();
  for await (const stored of objects.listStored()) {
    const part = partOf(stored);
    if (!part) continue;
    const { bytes, storedAt } = stored;
    const key = `${part.taskId}/${part.runId}/${part.isLog}`;
    const pile = piles.get(key);
    if (!pile) piles.set(key, { ...part, bytes, storedAt });
    else {
      pile.bytes += bytes;
      if (storedAt > pile.storedAt) pile.storedAt = storedAt;
    }
  }
  return [...piles.values()].sort((a, b) => a.storedAt.getTime() - b.storedAt.getTime());
};

const taskIdsOf = (piles: readonly Pile[]): string[] => [...new Set(piles.map(({ taskId }) => taskId))];

/**
 * Lets what is to go expire now, and long enough ago that it is deleted at once. Returns what went: a task that somebody has
 * come to need meanwhile, by running it or a dependent again, keeps its own.
 */
const letGo = (context: Context, piles: readonly Pile[]): Promise<readonly Pile[]> =>
  transact(context, async (tx, now) => {
    const settled = new Set(await context.holdSettled(tx, taskIdsOf(piles)));
    const going = piles.filter(({ taskId }) => settled.has(taskId));
    const gone = await store.expireParts(tx, going, later(now, -deletedAfterMs - 1));
    const objects = gone.filter(({ storageType }) => storageType === 'object').map(objectName);
    await context.objects.expireAt(tx, objects, later(now, -1));
    return going;
  });

const bytesOf = (piles: readonly Pile[]): number => piles.reduce((sum, { bytes }) => sum + bytes, 0);

const pilesAtOnce = 500;

/**
 * Deletes artifacts on disk beyond the bounds, the oldest first, of tasks that nobody needs any more. Tasks that are not
 * resolved, and what others still wait for, keep theirs whatever the bounds say. With `isDryRun` it only says what it would
 * delete.
 */
export const cleanArtifacts = async (
  context: Context,
  { artifactsBefore, logsBefore, bytesMax }: CleaningBounds,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<CleanedArtifacts> => {
  const cleaned = { runs: new Set<string>(), bytes: 0 };
  if (!artifactsBefore && !logsBefore && bytesMax === undefined) return { runs: 0, bytes: 0 };
  const piles = await pilesOnDisk(context);
  let left = bytesOf(piles);
  const isTooOld = ({ isLog, storedAt }: Pile): boolean => {
    const before = isLog ? logsBefore : artifactsBefore;
    return before !== undefined && storedAt < before;
  };
  // What is stored later than all limits of age, and all that follows, may only be too much.
  const isRecent = ({ storedAt }: Pile): boolean =>
    [artifactsBefore, logsBefore].every((before) => before === undefined || storedAt >= before);
  for (const some of partsOf(piles, pilesAtOnce)) {
    if (some.every(isRecent) && left <= (bytesMax ?? left)) break;
    const settled = new Set(await context.settledAmong(context.db, taskIdsOf(some)));
    const doomed = some.filter((pile) => {
      if (!settled.has(pile.taskId)) return false;
      if (!isTooOld(pile) && left <= (bytesMax ?? left)) return false;
      left -= pile.bytes;
      return true;
    });
    const gone = isDryRun || doomed.length === 0 ? doomed : await letGo(context, doomed);
    left += bytesOf(doomed) - bytesOf(gone);
    cleaned.bytes += bytesOf(gone);
    for (const { taskId, runId } of gone) cleaned.runs.add(`${taskId}/${runId}`);
  }
  return { runs: cleaned.runs.size, bytes: cleaned.bytes };
};

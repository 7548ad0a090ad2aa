import {
  type Answer,
  type Batched,
  later,
  minutes,
  RequestError,
  slugid,
  type Transaction,
  type Verb,
} from '../../base/index.ts';
import type { Context } from '../context.ts';
import { nextFire } from '../schedule.ts';
import * as store from '../store.ts';
import { fireHooks } from './fire-hooks.ts';
import { mailOwners, mailOwnersOfBroken } from './mail-owners.ts';
import { nameOf } from './naming.ts';
import { type Fire, prepareFire } from './prepare-fire.ts';

// The queue refuses tasks that were created a quarter of an hour ago, and rendering takes time.
const createdAgoMax = minutes(5);

/** Tasks are created when they were due; a slot that was missed fires late, and then its task is created now. */
const createdAt = ({ firesAt }: store.DueHook, now: Date): Date =>
  firesAt < later(now, -createdAgoMax) ? now : firesAt;

/** A slot of a schedule that is due, and the hook that it fires. */
export interface DueFire {
  readonly slot: store.Slot;
  readonly fire: Fire;
}

/**
 * Fires hooks whose time has come; returns for each whether it fired. The slot is taken, the task created, the fire noted
 * and the slot moved on in one transaction: so each slot fires once, however many processes try and whenever one dies.
 * Slots that were missed in between are not made up for.
 */
export const fireDueHooks: Verb<DueFire, boolean, Context> = async (tx, due, work) => {
  const slots = due.map(({ slot }) => slot);
  const taken = new Map((await store.takeSlots(tx, slots)).map((hook) => [nameOf(hook), hook]));
  const fires = due.filter(({ slot }) => taken.has(nameOf(slot))).map(({ fire }) => fire);
  const answers = await fireHooks(tx, fires, work);
  await mailOwners(work.context, tx, { fires, answers });
  const after = ({ firesAt }: store.DueHook) => laterOf(firesAt, work.now);
  await moveOn(work.context, tx, { taken: [...taken.values()], after });
  return due.map(({ slot }) => taken.has(nameOf(slot)));
};

/**
 * Counts slots from now that were set before the clock was set back; returns for each whether it did. Their hooks would not
 * fire before the clock has caught up.
 */
export const resetSlots: Verb<store.Slot, boolean, Context> = async (tx, slots, { now, context }) => {
  const taken = await store.takeSlots(tx, slots);
  await moveOn(context, tx, { taken, after: () => now });
  const moved = new Set(taken.map(nameOf));
  return slots.map((slot) => moved.has(nameOf(slot)));
};

/**
 * Resets at most `limit` slots that were set before the clock was set back, then fires at most `limit` hooks that are due;
 * returns the larger of the two counts: from `limit` on there may be more to do.
 */
export const fireDue = async (
  context: Context,
  { fires, resets }: { fires: Batched<DueFire, boolean>; resets: Batched<store.Slot, boolean> },
  limit: number,
): Promise<number> => {
  const now = context.clock.now();
  const ahead = await store.readSetAhead(context.db, limit);
  const reset = ahead.length > 0 ? countOf(await resets.all(ahead)) : 0;
  const due: DueFire[] = [];
  for (const slot of await store.readDue(context.db, now, limit)) {
    const occasion = { firedBy: 'schedule', taskId: slugid(), at: createdAt(slot, now) } as const;
    due.push({ slot, fire: await prepareFire(context, slot, occasion) });
  }
  return Math.max(reset, countOf(await fires.all(due)));
};

const countOf = (answers: readonly Answer<boolean>[]): number =>
  answers.filter((isDone) => isDone === true).length;

/** When a hook fires next, or why it does not: its schedule was stored by a version that read it otherwise. */
const nextOf = (slot: store.DueHook, after: Date): Answer<Date> => {
  try {
    const never = new RequestError('InputError', 'The schedule names no time that ever comes.');
    return nextFire(JSON.parse(slot.schedule) as string[], after) ?? never;
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
};

/** Strictly after its slot a hook fires next, even by a clock that is behind the one by which that was found due. */
const laterOf = (firesAt: Date, now: Date): Date => (firesAt > now ? firesAt : now);

interface Moving {
  readonly taken: readonly store.DueHook[];
  after(slot: store.DueHook): Date;
}

/** A schedule that cannot be read is an error of its hook alone, which has no next time until it is changed. */
const moveOn = async (context: Context, tx: Transaction, { taken, after }: Moving) => {
  const next = taken.map((slot) => ({ slot, firesAt: nextOf(slot, after(slot)) }));
  const moved = next.flatMap(({ slot, firesAt }) => (firesAt instanceof Date ? [{ ...slot, firesAt }] : []));
  const broken = next.flatMap(({ slot, firesAt: error }) =>
    error instanceof RequestError ? [{ hook: slot, error }] : [],
  );
  if (moved.length > 0) await store.saveSlots(tx, moved);
  if (broken.length === 0) return;
  await store.deleteSlots(
    tx,
    broken.map(({ hook }) => hook),
  );
  await mailOwnersOfBroken(context, tx, broken);
};

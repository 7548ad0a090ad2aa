import { batched, later, minutes, slugid, type Transaction } from '../../base/index.ts';
import { nextFire } from '../schedule.ts';
import * as store from '../store.ts';
import { fireHooks } from './fire-hooks.ts';
import { mailOwners } from './mail-owners.ts';
import { type Fire, prepareFire } from './prepare-fire.ts';
import { nameOf, type Room } from './room.ts';

// The queue takes no task that was created a quarter of an hour ago, and templates take their time.
const createdAgoMax = minutes(5);

/** Tasks are created when they were due; a slot that was missed fires late, and then its task is created now. */
const createdAt = ({ firesAt }: store.DueHook, now: Date): Date =>
  firesAt < later(now, -createdAgoMax) ? now : firesAt;

interface DueFire {
  readonly slot: store.Slot;
  readonly fire: Fire;
}

/**
 * Fires hooks whose time has come; answers how many fired. The slot is taken, the task created, the fire noted and the
 * slot moved on in one transaction: so each slot fires once, however many processes try and whenever one dies. Slots
 * that were missed in between are not made up for.
 */
export const createDueFirer = (room: Room) => {
  const fires = batched(room, 'fire-due-hooks', async (tx, due: readonly DueFire[], { now }) => {
    const taken = new Map(
      (
        await store.takeSlots(
          tx,
          due.map(({ slot }) => slot),
        )
      ).map((hook) => [nameOf(hook), hook]),
    );
    const all = due.filter(({ slot }) => taken.has(nameOf(slot)));
    const firing = all.map(({ fire }) => fire);
    const answers = await fireHooks(tx, firing, { ...room, now });
    await mailOwners(room, tx, { fires: firing, answers });
    await moveOn(tx, [...taken.values()], now);
    return due.map(({ slot }) => taken.has(nameOf(slot)));
  });
  return async (limit: number): Promise<number> => {
    const now = room.clock.now();
    const due: DueFire[] = [];
    for (const slot of await store.readDue(room.db, now, limit)) {
      const occasion = { firedBy: 'schedule', taskId: slugid(), at: createdAt(slot, now) } as const;
      due.push({ slot, fire: await prepareFire(room, slot, occasion) });
    }
    return (await fires.all(due)).filter((isFired) => isFired === true).length;
  };
};

const moveOn = async (tx: Transaction, taken: readonly store.DueHook[], now: Date): Promise<void> => {
  const next = taken.map((slot) => {
    // Strictly after the slot, even by a clock that is behind the one by which it was found due.
    const after = slot.firesAt > now ? slot.firesAt : now;
    return { slot, firesAt: nextFire(JSON.parse(slot.schedule) as string[], after) };
  });
  const moved = next.flatMap(({ slot, firesAt }) => (firesAt ? [{ ...slot, firesAt }] : []));
  const ended = next.flatMap(({ slot, firesAt }) => (firesAt ? [] : [slot]));
  if (moved.length > 0) await store.saveSlots(tx, moved);
  if (ended.length > 0) await store.deleteSlots(tx, ended);
};

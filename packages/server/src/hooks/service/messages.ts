import { batched, slugid, type Transaction } from '../../base/index.ts';
import type { Message } from '../../events/index.ts';
import type { HookRef } from '../events.ts';
import { Misfit } from '../rendering/index.ts';
import * as store from '../store.ts';
import { fireHooks } from './fire-hooks.ts';
import { mailOwners } from './mail-owners.ts';
import { type Fire, prepareFire } from './prepare-fire.ts';
import { nameOf, type Room } from './room.ts';

/** A message, and the hooks whose bindings it fits. */
export interface Delivery {
  readonly message: Message;
  readonly hooks: readonly HookRef[];
}

// A hook that is bound to more than it can do would fill the database.
const waitingMax = 1000;

/** Keeps messages for the hooks that they fire, in the transaction that reads them. */
export const keepMessages = async (
  room: Pick<Room, 'log' | 'arrived'>,
  tx: Transaction,
  deliveries: readonly Delivery[],
): Promise<void> => {
  const rows = deliveries.flatMap(({ message: { body }, hooks }) =>
    hooks.map(({ hookGroupId, hookId }) => ({
      hookGroupId,
      hookId,
      taskId: slugid(),
      payload: JSON.stringify(body),
    })),
  );
  if (rows.length === 0) return;
  const kept = await store.insertMessages(tx, rows, waitingMax);
  if (kept < rows.length)
    room.log.warn({ dropped: rows.length - kept }, 'messages were dropped: too many wait for a hook');
  tx.afterCommit(() => room.arrived.wake());
};

interface Prepared {
  readonly id: number;
  /** None when the hook does not want such a message. */
  readonly fire: Fire | undefined;
}

/** Fires hooks for messages that were kept; answers how many were dealt with. Each message fires a hook once. */
export const createMessageFirer = (room: Room) => {
  const fires = batched(room, 'fire-hooks-by-messages', async (tx, waiting: readonly Prepared[], { now }) => {
    const ids = waiting.map(({ id }) => id);
    const taken = new Set(await store.takeMessages(tx, ids));
    const all = waiting.flatMap(({ id, fire }) => (fire && taken.has(id) ? [fire] : []));
    const answers = await fireHooks(tx, all, { ...room, now });
    await mailOwners(room, tx, { fires: all, answers });
    return ids.map((id) => taken.has(id));
  });
  return async (limit: number): Promise<number> => {
    const prepared: Prepared[] = [];
    for (const row of await store.readWaiting(room.db, limit))
      prepared.push({ id: row.id, fire: await fireFor(room, row) });
    return (await fires.all(prepared)).filter((isDone) => isDone === true).length;
  };
};

const fireFor = async (room: Room, row: store.WaitingMessage): Promise<Fire | undefined> => {
  const { taskId } = row;
  const payload = JSON.parse(row.payload) as object;
  try {
    const occasion = { firedBy: 'pulseMessage', taskId, at: room.clock.now(), payload } as const;
    return await prepareFire(room, row, occasion);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    room.log.info({ hook: nameOf(row), reason: error.message }, 'a message for a hook was dropped');
    return undefined;
  }
};

import { type Batched, slugid, type Transaction, type Verb } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { Misfit } from '../rendering/index.ts';
import type { HookRef } from '../store.ts';
import * as store from '../store.ts';
import { fireHooks } from './fire-hooks.ts';
import { mailOwners } from './mail-owners.ts';
import { nameOf } from './naming.ts';
import { type Fire, prepareFire } from './prepare-fire.ts';

/** A message, and the hooks whose bindings it fits. */
export interface Delivery {
  readonly message: { readonly body: unknown };
  readonly hooks: readonly HookRef[];
}

// A hook that is bound to more than it can do would fill the database.
const waitingMax = 1000;

/** Keeps messages for the hooks that they fire, in the transaction that reads them. */
export const keepMessages = async (
  context: Pick<Context, 'log' | 'arrived'>,
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
    context.log.warn({ dropped: rows.length - kept }, 'messages were dropped: too many wait for a hook');
  tx.afterCommit(() => context.arrived.wake());
};

/** A waiting message, and the hook that it fires. */
export interface Prepared {
  readonly id: number;
  /** None when the hook does not want such a message. */
  readonly fire: Fire | undefined;
}

/** Fires hooks for messages that were kept; returns for each whether it was dealt with. Each message fires a hook once. */
export const fireHooksByMessages: Verb<Prepared, boolean, Context> = async (tx, waiting, work) => {
  const ids = waiting.map(({ id }) => id);
  const taken = new Set(await store.takeMessages(tx, ids));
  const fires = waiting.flatMap(({ id, fire }) => (fire && taken.has(id) ? [fire] : []));
  const answers = await fireHooks(tx, fires, work);
  await mailOwners(work.context, tx, { fires, answers });
  return ids.map((id) => taken.has(id));
};

/** Prepares the fires of messages that wait, at most `limit`, and fires them; returns how many were dealt with. */
export const fireWaiting = async (
  context: Context,
  fires: Batched<Prepared, boolean>,
  limit: number,
): Promise<number> => {
  const prepared: Prepared[] = [];
  for (const row of await store.readWaiting(context.db, limit))
    prepared.push({ id: row.id, fire: await fireFor(context, row) });
  return (await fires.all(prepared)).filter((isDone) => isDone === true).length;
};

const fireFor = async (context: Context, row: store.WaitingMessage): Promise<Fire | undefined> => {
  const { taskId } = row;
  const payload = JSON.parse(row.payload) as object;
  try {
    const occasion = { firedBy: 'pulseMessage', taskId, at: context.clock.now(), payload } as const;
    return await prepareFire(context, row, occasion);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    context.log.info({ hook: nameOf(row), reason: error.message }, 'a message for a hook was dropped');
    return undefined;
  }
};

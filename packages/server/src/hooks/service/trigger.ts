import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type Answer,
  type Batched,
  RequestError,
  slugid,
  type Transaction,
  type Verb,
  type Work,
} from '../../base/index.ts';
import { slugidPattern } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type { HookRef } from '../store.ts';
import * as store from '../store.ts';
import type { Occasion } from '../task-request.ts';
import { digestOf, type Fired, fireHooks } from './fire-hooks.ts';
import { goOn } from './go-on.ts';
import { nameOf, noSuchHook } from './naming.ts';
import { type Fire, prepareFire } from './prepare-fire.ts';

/** A call that fires a hook: by somebody with scopes for it, or by a token. */
export interface Trigger extends HookRef {
  readonly payload: object;
  readonly by: { readonly clientId: string } | { readonly token: string };
}

/** Fires hooks for callers, as long as the hooks are still there. */
export const triggerHooks: Verb<Fire, Fired, Context> = async (tx, fires, work) => {
  const held = await store.holdHooks(
    tx,
    fires.map(({ hook }) => hook),
  );
  const names = new Set(held.map(nameOf));
  const answers = fires.map((fire) => (names.has(nameOf(fire.hook)) ? fire : noSuchHook(fire.hook)));
  return goOn(answers, (there) => fireUnlessDone(tx, there, work));
};

/**
 * Fires a hook for a caller. A caller that puts a taskId of its own into the payload may repeat the call: the task is
 * created once.
 */
export const trigger = async (
  context: Context,
  fires: Batched<Fire, Fired>,
  call: Trigger,
): Promise<Fired> => {
  const hook = await store.readHook(context.db, call);
  if (!hook) throw noSuchHook(call);
  const { by, payload } = call;
  if ('token' in by) requireToken(context.encryption.decrypt(hook.triggerToken), by.token);
  const about = { taskId: chosenTaskId(payload) ?? slugid(), at: context.clock.now(), payload };
  const occasion: Occasion =
    'token' in by
      ? { ...about, firedBy: 'triggerHookWithToken' }
      : { ...about, firedBy: 'triggerHook', clientId: by.clientId };
  return fires.one(await prepareFire(context, hook, occasion));
};

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

const requireToken = (expected: string, given: string): void => {
  if (timingSafeEqual(hashOf(expected), hashOf(given))) return;
  throw new RequestError('AuthenticationFailed', 'This is not the token of the hook.');
};

/** The id that a caller has chosen for the task. */
const chosenTaskId = (payload: object): string | undefined => {
  const { taskId } = payload as { taskId?: unknown };
  // As in the original: an empty one chooses none.
  if (!taskId) return undefined;
  if (typeof taskId === 'string' && slugidPattern.test(taskId)) return taskId;
  throw new RequestError('InputError', `payload.taskId ${JSON.stringify(taskId)} is not the id of a task.`);
};

const keyOf = (ref: HookRef, taskId: string, digest: string) => `${nameOf(ref)} ${taskId} ${digest}`;

/** The fires of calls that were made before; the same call at the same time is waited for. */
const readSuccesses = async (tx: Transaction, refs: readonly (HookRef & { readonly taskId: string })[]) => {
  await store.lockTaskIds(
    tx,
    refs.map(({ taskId }) => taskId),
  );
  return store.readSuccesses(tx, refs);
};

const fireUnlessDone = async (
  tx: Transaction,
  fires: readonly Fire[],
  work: Work<Context>,
): Promise<Answer<Fired>[]> => {
  const chosen = fires.filter(({ payload }) => chosenTaskId(payload ?? {}) !== undefined);
  const refs = chosen.map(({ hook: { hookGroupId, hookId }, taskId }) => ({ hookGroupId, hookId, taskId }));
  const successes = refs.length > 0 ? await readSuccesses(tx, refs) : [];
  const done = new Set(successes.map((row) => keyOf(row, row.taskId, row.digest)));
  const isDone = ({ hook, taskId, payload }: Fire) => done.has(keyOf(hook, taskId, digestOf(payload)));
  const fresh = fires.filter((fire) => !isDone(fire));
  const answers = await fireHooks(tx, fresh, work);
  let next = 0;
  return fires.map((fire) => (isDone(fire) ? { taskId: fire.taskId } : (answers[next++] as Answer<Fired>)));
};

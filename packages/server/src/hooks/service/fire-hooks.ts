import { createHash } from 'node:crypto';
import { type Answer, RequestError, type Transaction, type Work } from '../../base/index.ts';
import { createTasks } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store.ts';
import { goOn } from './go-on.ts';
import type { Fire } from './prepare-fire.ts';

/** The outcome of a fire; without a taskId the template asked for no task. */
export interface Fired {
  readonly taskId?: string;
}

/**
 * Fires hooks, which are locked: creates their tasks and records the outcome, in one transaction. A hook whose task is refused
 * does not keep the others from firing.
 */
export const fireHooks = async (
  tx: Transaction,
  fires: readonly Fire[],
  { now, context }: Work<Context>,
): Promise<Answer<Fired>[]> => {
  if (fires.length === 0) return [];
  const wanted = fires.map(({ request, taskId, authorize }) =>
    request instanceof RequestError ? request : { taskId, request, authorize },
  );
  const answers = await goOn(wanted, async (all): Promise<Answer<Fired>[]> => {
    const items = all.flatMap(({ request, ...item }) => (request ? [{ ...item, request }] : []));
    const created = items.length > 0 ? await createTasks(tx, items, { now, context: context.queue }) : [];
    let next = 0;
    return all.map(({ request, taskId }) => {
      if (!request) return {};
      const answer = created[next++];
      return answer instanceof RequestError ? asRefused(answer) : { taskId };
    });
  });
  const rows = fires.flatMap((fire, i) => rowOf(fire, answers[i] as Answer<Fired>, now));
  if (rows.length > 0) await store.saveFires(tx, rows);
  return answers;
};

/** Refusals of the queue are not those of the caller's own request, except for missing scopes. */
const asRefused = (error: RequestError): RequestError =>
  error.code === 'InsufficientScopes'
    ? error
    : new RequestError('InputError', `While calling createTask: ${error.code}: ${error.message}`);

const rowOf = (
  { hook: { hookGroupId, hookId }, taskId, firedBy, payload }: Fire,
  answer: Answer<Fired>,
  now: Date,
): store.FireRow[] => {
  const row = { hookGroupId, hookId, taskId, firedBy, firedAt: now, digest: digestOf(payload) };
  if (answer instanceof RequestError) return [{ ...row, error: storable(answer.message) }];
  return answer.taskId === undefined ? [] : [{ ...row, error: null }];
};

/** A message may quote what a caller sent. */
const storable = (text: string): string => text.replace(/[\0\p{Surrogate}]/gu, '\u{fffd}').slice(0, 10_000);

/** Tells a repeated call from another one. */
export const digestOf = (payload: object | undefined): string =>
  createHash('sha256')
    .update(JSON.stringify(payload ?? null))
    .digest('base64url');

import { RequestError, type Sql, together } from '../../base/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import { readStatuses } from '../../queue/index.ts';
import type { Bindings, HookDefinition, LastFire } from '../schema.ts';
import type { HookRef } from '../store.ts';
import * as store from '../store.ts';
import { definitionOf } from './definitions.ts';
import { nameOf, noSuchHook } from './naming.ts';

/** All groups that have a hook. */
export const listGroups = async (db: Sql): Promise<{ groups: string[] }> => ({
  groups: await store.readGroupIds(db),
});

/** All hooks of a group. */
export const listHooks = async (db: Sql, hookGroupId: string): Promise<{ hooks: HookDefinition[] }> => {
  const rows = await store.readHooksOf(db, hookGroupId);
  if (rows.length === 0) throw new RequestError('ResourceNotFound', `There is no hook in ${hookGroupId}.`);
  return { hooks: rows.map(definitionOf) };
};

/** One hook. */
export const readHook = async (db: Sql, ref: HookRef): Promise<HookDefinition> => {
  const hook = await store.readHook(db, ref);
  if (!hook) throw noSuchHook(ref);
  return definitionOf(hook);
};

// Before all that will ever be in the table.
const latest = { firedAt: new Date('9999-01-01T00:00:00Z'), taskId: '' };

/** The outcome of the last fire, and when the schedule fires the hook next. */
export const readHookStatus = async (db: Sql, ref: HookRef) => {
  const [hook, firesAt, [last]] = await together(
    store.readHook(db, ref),
    store.readSlot(db, ref),
    store.readFires(db, ref, { before: latest, limit: 1 }),
  );
  if (!hook) throw noSuchHook(ref);
  return {
    lastFire: last ? outcomeOf(last) : { result: 'no-fire' },
    ...(firesAt ? { nextScheduledDate: firesAt.toJSON() } : {}),
  };
};

/** The bindings of a hook, with what is wrong with those to exchanges of other programs. */
export const readHookBindings = async (db: Sql, ref: HookRef) => {
  const hook = await store.readHook(db, ref);
  if (!hook) throw noSuchHook(ref);
  const bindings = JSON.parse(hook.bindings) as Bindings;
  const exchanges = bindings.map(({ exchange }) => exchange);
  const errors = exchanges.length === 0 ? [] : await store.readBindingErrors(db, exchanges);
  const errorOf = new Map(
    errors.map(({ exchange, error, since }) => [exchange, { error, since: since.toJSON() }]),
  );
  return { bindings: bindings.map((binding) => ({ ...binding, ...errorOf.get(binding.exchange) })) };
};

const outcomeOf = ({ taskId, firedAt, error }: store.FireRow) =>
  error === null
    ? { result: 'success', taskId, time: firedAt.toJSON() }
    : { result: 'error', error: { message: error }, time: firedAt.toJSON() };

const pages = pagesOf('hooks.listLastFires', ['whole', 'text']);

/** The fires of a hook, the latest first, with the states of their tasks. */
export const listLastFires = async (
  db: Sql,
  { limit, continuationToken, ...ref }: HookRef & { limit?: number; continuationToken?: string },
) => {
  const before = keyIn(continuationToken);
  const rows = await store.readFires(db, ref, { before, limit: pageLimit(limit) });
  if (rows.length === 0 && before === latest)
    throw new RequestError('ResourceNotFound', `The hook ${nameOf(ref)} has no recorded fire.`);
  const { rows: fires, ...more } = pages.pageOf(rows, limit, ({ firedAt, taskId }) => [
    firedAt.getTime(),
    taskId,
  ]);
  const created = fires.filter(({ error }) => error === null).map(({ taskId }) => taskId);
  const statuses = await readStatuses(db, created);
  const states = new Map(statuses.map(({ taskId, state }) => [taskId, state]));
  return { lastFires: fires.map((fire) => lastFireOf(fire, states)), ...more };
};

const keyIn = (token: string | undefined): typeof latest => {
  const [time, taskId] = pages.keyIn(token) ?? [];
  return time === undefined || taskId === undefined ? latest : { firedAt: new Date(time), taskId };
};

const lastFireOf = (fire: store.FireRow, states: ReadonlyMap<string, LastFire['taskState']>): LastFire => ({
  hookGroupId: fire.hookGroupId,
  hookId: fire.hookId,
  firedBy: fire.firedBy,
  taskId: fire.taskId,
  taskCreateTime: fire.firedAt.toJSON(),
  result: fire.error === null ? 'success' : 'error',
  error: fire.error ?? '',
  taskState: (fire.error === null && states.get(fire.taskId)) || 'unknown',
});

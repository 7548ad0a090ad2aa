import { isDeepStrictEqual } from 'node:util';
import {
  type Change,
  RequestError,
  type Sql,
  slugid,
  type Transaction,
  type Work,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import { type HookChange, hookChanged } from '../events.ts';
import { amqpNameBytesMax } from '../foreign-exchanges.ts';
import { names, nextFire, requireSoundSchedule } from '../schedule.ts';
import { type CreateHookRequest, emptyPayload, type HookDefinition } from '../schema.ts';
import * as store from '../store.ts';
import { nameOf, noSuchHook } from './naming.ts';

/** A definition for a hook, and the client that sends it. */
export interface HookToSave extends store.HookRef {
  readonly definition: CreateHookRequest;
  readonly clientId: string;
}

/** A hook as the API shows it. */
export const definitionOf = (row: store.HookRow): HookDefinition => ({
  hookGroupId: row.hookGroupId,
  hookId: row.hookId,
  metadata: JSON.parse(row.metadata) as HookDefinition['metadata'],
  task: JSON.parse(row.task) as HookDefinition['task'],
  bindings: JSON.parse(row.bindings) as NonNullable<HookDefinition['bindings']>,
  schedule: JSON.parse(row.schedule) as string[],
  triggerSchema: JSON.parse(row.triggerSchema) as HookDefinition['triggerSchema'],
});

/** Creates a hook. Creating the same one again has no effect; another one with its ids is a conflict. */
export const createHook: Change<HookToSave, HookDefinition, Context> = async (tx, wanted, work) => {
  const triggerToken = work.context.encryption.encrypt(slugid());
  const hook = rowOf(wanted, { bindings: '[]', triggerToken });
  if (!(await store.insertHook(tx, hook))) return requireSame(tx, hook);
  await setSlot(tx, hook, work.now);
  await record(tx, { ref: hook, change: 'created', clientId: wanted.clientId }, work);
  return definitionOf(hook);
};

/** Replaces the definition of a hook. The same one again also sends a message; bindings that are left out stay. */
export const updateHook: Change<HookToSave, HookDefinition, Context> = async (tx, wanted, work) => {
  const current = await store.lockHook(tx, wanted);
  if (!current) throw noSuchHook(wanted);
  const hook = rowOf(wanted, current);
  await store.saveHook(tx, hook);
  if (hook.schedule !== current.schedule) await changeSlot(tx, hook, work.now);
  await record(tx, { ref: hook, change: 'updated', clientId: wanted.clientId }, work);
  return definitionOf(hook);
};

/** A hook, and the client that removes it. */
export interface HookToRemove extends store.HookRef {
  readonly clientId: string;
}

/** Deletes a hook with its fires; one that does not exist counts as deleted. */
export const removeHook: Change<HookToRemove, object, Context> = async (tx, { clientId, ...ref }, work) => {
  if (await store.deleteHook(tx, ref)) await record(tx, { ref, change: 'deleted', clientId }, work);
  return {};
};

/** The token with which any caller may trigger the hook. */
export const readToken = async (sql: Sql, ref: store.HookRef, { context }: Work<Context>) => {
  const hook = await store.readHook(sql, ref);
  if (!hook) throw noSuchHook(ref);
  return { token: context.encryption.decrypt(hook.triggerToken) };
};

/** Gives the hook another token; the old one stops working at once. */
export const resetToken: Change<store.HookRef, { token: string }, Context> = async (tx, ref, { context }) => {
  const token = slugid();
  if (await store.saveToken(tx, ref, context.encryption.encrypt(token))) return { token };
  throw noSuchHook(ref);
};

/** Refuses a definition that no hook may have. It compiles the schema, so no transaction is open meanwhile. */
export const requireSound = async (
  _sql: Sql,
  { hookGroupId, hookId, definition }: HookToSave,
  { now, context }: Work<Context>,
): Promise<void> => {
  for (const [field, id] of Object.entries({ hookGroupId, hookId })) {
    const given = definition[field as keyof store.HookRef];
    if (given !== undefined && given !== id)
      throw new RequestError('InputError', `${field} is '${given}' in the body and '${id}' in the URL.`);
  }
  requireSoundSchedule(definition.schedule ?? [], now);
  definition.bindings?.forEach((binding, i) => {
    const { exchange } = binding;
    for (const [field, text] of Object.entries(binding))
      if (Buffer.byteLength(text) > amqpNameBytesMax)
        throw new RequestError(
          'InputError',
          `bindings[${i}].${field} has more than ${amqpNameBytesMax} bytes.`,
        );
    // Hooks that change hooks that fire hooks could go on without end.
    if (
      [context.exchangePrefix, 'exchange/taskcluster-'].some((prefix) =>
        exchange.startsWith(`${prefix}hooks/`),
      )
    )
      throw new RequestError('InputError', `bindings[${i}].exchange: hooks cannot be bound to ${exchange}.`);
    // The log and trace exchanges of the broker hold the messages of all programs.
    if (exchange.startsWith('amq.rabbitmq.'))
      throw new RequestError('InputError', `bindings[${i}].exchange: ${exchange} is the broker's own.`);
  });
  await context.rendering.requireSoundSchema(JSON.stringify(definition.triggerSchema ?? emptyPayload));
};

const rowOf = (
  { hookGroupId, hookId, definition }: HookToSave,
  { bindings, triggerToken }: Pick<store.HookRow, 'bindings' | 'triggerToken'>,
): store.HookRow => ({
  hookGroupId,
  hookId,
  metadata: JSON.stringify(definition.metadata),
  task: JSON.stringify(definition.task),
  bindings: definition.bindings ? JSON.stringify(definition.bindings) : bindings,
  schedule: JSON.stringify(definition.schedule ?? []),
  triggerSchema: JSON.stringify(definition.triggerSchema ?? emptyPayload),
  triggerToken,
});

const requireSame = async (tx: Transaction, hook: store.HookRow): Promise<HookDefinition> => {
  const existing = await store.readHook(tx, hook);
  if (existing && isDeepStrictEqual(definitionOf(existing), definitionOf(hook)))
    return definitionOf(existing);
  throw new RequestError('RequestConflict', `There is another hook ${nameOf(hook)} already.`);
};

const setSlot = async (tx: Transaction, hook: store.HookRow, now: Date): Promise<void> => {
  const firesAt = nextFire(definitionOf(hook).schedule, now);
  if (firesAt) await store.saveSlots(tx, [{ ...hook, firesAt }]);
  else await store.deleteSlots(tx, [hook]);
};

/** Sets when a hook fires next; a time that has come, and that the new schedule names as well, is not lost. */
const changeSlot = async (tx: Transaction, hook: store.HookRow, now: Date): Promise<void> => {
  // A process that fires the hook now holds this lock, and has set the next time before it releases it.
  const firesAt = await store.lockSlot(tx, hook);
  const isDue = firesAt !== undefined && firesAt <= now;
  if (!(isDue && names(definitionOf(hook).schedule, firesAt))) await setSlot(tx, hook, now);
};

interface Recorded {
  readonly ref: store.HookRef;
  readonly change: HookChange;
  readonly clientId: string;
}

const record = async (
  tx: Transaction,
  { ref, change, clientId }: Recorded,
  { now, context }: Work<Context>,
): Promise<void> => {
  const entry = { entityType: 'hook', entityId: nameOf(ref), actionType: change, clientId, created: now };
  await context.recordAudit(tx, [entry]);
  await outbox.append(tx, [hookChanged(ref, change)], now);
  tx.afterCommit(() => context.changed.wake());
};

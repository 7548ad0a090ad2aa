import type { Sql, Transaction } from '../base/index.ts';
import type { Firer } from './schema.ts';

/** Which hook. */
export interface HookRef {
  readonly hookGroupId: string;
  readonly hookId: string;
}

/** A hook; all but its ids and its token is JSON text, the token is encrypted. */
export interface HookRow extends HookRef {
  readonly metadata: string;
  readonly task: string;
  readonly bindings: string;
  readonly schedule: string;
  readonly triggerSchema: string;
  readonly triggerToken: string;
}

const groups = (refs: readonly HookRef[]) => refs.map(({ hookGroupId }) => hookGroupId);
const ids = (refs: readonly HookRef[]) => refs.map(({ hookId }) => hookId);

/** Adds a hook; false when there is one with its ids. */
export const insertHook = async (tx: Transaction, hook: HookRow): Promise<boolean> => {
  const rows = await tx`
    insert into hooks
      (hook_group_id, hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token)
    values (${hook.hookGroupId}, ${hook.hookId}, ${hook.metadata}, ${hook.task}, ${hook.bindings},
            ${hook.schedule}, ${hook.triggerSchema}, ${hook.triggerToken})
    on conflict (hook_group_id, hook_id) do nothing
    returning hook_id`;
  return rows.length > 0;
};

/** Writes the definition of a hook, whose row is locked. */
export const saveHook = (tx: Transaction, hook: HookRow) =>
  tx`
    update hooks
       set metadata = ${hook.metadata}, task = ${hook.task}, bindings = ${hook.bindings},
           schedule = ${hook.schedule}, trigger_schema = ${hook.triggerSchema}
     where hook_group_id = ${hook.hookGroupId} and hook_id = ${hook.hookId}`;

/** Gives a hook another token; false when there is no such hook. */
export const saveToken = async (db: Sql, ref: HookRef, triggerToken: string): Promise<boolean> => {
  const rows = await db`
    update hooks set trigger_token = ${triggerToken}
     where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}
    returning hook_id`;
  return rows.length > 0;
};

/** A token that is encrypted. */
export type TokenRow = HookRef & Pick<HookRow, 'triggerToken'>;

/** Tokens that one of these keys encrypted, locked until the transaction ends. */
export const lockTokensOfKeys = (
  tx: Transaction,
  { keyIds, limit }: { keyIds: readonly string[]; limit: number },
): Promise<TokenRow[]> =>
  tx<TokenRow>`
    select hook_group_id, hook_id, trigger_token
      from hooks
     where split_part(trigger_token, '.', 1) = any(${[...keyIds]}::text[])
     limit ${limit}
       for no key update skip locked`;

/** Writes the same tokens under another key. To everybody else nothing has changed. */
export const putTokens = (tx: Transaction, tokens: readonly TokenRow[]) =>
  tx`
    update hooks h set trigger_token = t.trigger_token
      from unnest(${groups(tokens)}::text[], ${ids(tokens)}::text[],
                  ${tokens.map(({ triggerToken }) => triggerToken)}::text[])
           as t(hook_group_id, hook_id, trigger_token)
     where h.hook_group_id = any(array[t.hook_group_id]) and h.hook_id = any(array[t.hook_id])`;

/** Deletes a hook with its slot, its fires and the messages that wait; false when there was none. */
export const deleteHook = async (tx: Transaction, ref: HookRef): Promise<boolean> => {
  const rows = await tx`
    delete from hooks where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}
    returning hook_id`;
  return rows.length > 0;
};

export const readHook = async (db: Sql, ref: HookRef): Promise<HookRow | undefined> => {
  const [hook] = await db<HookRow>`
    select hook_group_id, hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token
      from hooks where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}`;
  return hook;
};

/** The same, locked until the transaction ends. */
export const lockHook = async (tx: Transaction, ref: HookRef): Promise<HookRow | undefined> => {
  const [hook] = await tx<HookRow>`
    select hook_group_id, hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token
      from hooks where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}
       for no key update`;
  return hook;
};

/** Those of some hooks that are there; they are not deleted until the transaction ends. */
export const holdHooks = (tx: Transaction, refs: readonly HookRef[]) =>
  tx<HookRef>`
    select held.hook_group_id, held.hook_id
      from (select distinct hook_group_id collate "C" as hook_group_id, hook_id collate "C" as hook_id
              from unnest(${groups(refs)}::text[], ${ids(refs)}::text[]) as w(hook_group_id, hook_id)
             order by 1, 2) wanted
     cross join lateral (
       select h.hook_group_id, h.hook_id from hooks h
        where h.hook_group_id = wanted.hook_group_id and h.hook_id = wanted.hook_id
          for key share) as held`;

export const readGroupIds = async (db: Sql): Promise<string[]> => {
  const rows = await db<{ hookGroupId: string }>`
    select distinct hook_group_id from hooks order by hook_group_id`;
  return rows.map(({ hookGroupId }) => hookGroupId);
};

export const readHooksOf = (db: Sql, hookGroupId: string) =>
  db<HookRow>`
    select hook_group_id, hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token
      from hooks where hook_group_id = ${hookGroupId} order by hook_id`;

/** The hooks that messages may fire. */
export const readBound = (db: Sql) =>
  db<HookRef & { readonly bindings: string }>`
    select hook_group_id, hook_id, bindings from hooks where bindings <> '[]'
     order by hook_group_id, hook_id`;

/** When a hook fires next by its schedule. */
export interface Slot extends HookRef {
  readonly firesAt: Date;
}

/** Sets when hooks fire next. */
export const saveSlots = (tx: Transaction, slots: readonly Slot[]) =>
  tx`
    insert into hook_slots (hook_group_id, hook_id, fires_at, set_at)
    select hook_group_id, hook_id, fires_at, now()
      from unnest(${groups(slots)}::text[], ${ids(slots)}::text[],
                  ${slots.map(({ firesAt }) => firesAt)}::timestamptz[])
           as s(hook_group_id, hook_id, fires_at)
     order by hook_group_id, hook_id
    on conflict (hook_group_id, hook_id) do update set fires_at = excluded.fires_at, set_at = excluded.set_at`;

/** These hooks do not fire again by their schedule. */
export const deleteSlots = (tx: Transaction, refs: readonly HookRef[]) =>
  tx`
    with gone as (
      select hook_group_id, hook_id
        from unnest(${groups(refs)}::text[], ${ids(refs)}::text[]) as g(hook_group_id, hook_id))
    delete from hook_slots s using gone
     where s.hook_group_id = any(array[gone.hook_group_id]) and s.hook_id = any(array[gone.hook_id])`;

export const readSlot = async (db: Sql, ref: HookRef): Promise<Date | undefined> => {
  const [slot] = await db<Slot>`
    select fires_at from hook_slots
     where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}`;
  return slot?.firesAt;
};

/** When a hook fires next by its schedule, locked until the transaction ends. */
export const lockSlot = async (tx: Transaction, ref: HookRef): Promise<Date | undefined> => {
  const [slot] = await tx<Slot>`
    select fires_at from hook_slots
     where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}
       for update`;
  return slot?.firesAt;
};

/** A hook and the time at which it is due. */
export type DueHook = HookRow & Slot;

/** Hooks whose time has come, those that have waited longest first. */
export const readDue = (db: Sql, now: Date, limit: number) =>
  db<DueHook>`
    select h.hook_group_id, h.hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token,
           s.fires_at
      from hook_slots s
     cross join lateral (
       select hook_group_id, hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token from hooks
        where hook_group_id = s.hook_group_id and hook_id = s.hook_id
       offset 0) as h
     where s.fires_at <= ${now}
     order by s.fires_at limit ${limit}`;

/**
 * Slots that were set before the clock was set back. That is told by the clock of the database alone: with those of two
 * processes that differ, one would set back what the other has fired, and it would fire again and again.
 */
export const readSetAhead = (db: Sql, limit: number) =>
  db<Slot>`
    select hook_group_id, hook_id, fires_at from hook_slots
     where set_at > now() + interval '2 minutes' order by set_at limit ${limit}`;

/** When the next hook fires, if any does. */
export const readEarliest = async (db: Sql): Promise<Date | undefined> => {
  const [slot] = await db<Slot>`select fires_at from hook_slots order by fires_at limit 1`;
  return slot?.firesAt;
};

/** The slots that have not changed and that no other process is about to fire or change, with their hooks. */
export const takeSlots = (tx: Transaction, slots: readonly Slot[]) =>
  tx<DueHook>`
    select h.hook_group_id, h.hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token,
           s.fires_at
      from unnest(${groups(slots)}::text[], ${ids(slots)}::text[],
                  ${slots.map(({ firesAt }) => firesAt)}::timestamptz[]) as w(hook_group_id, hook_id, fires_at)
     cross join lateral (
       select fires_at from hook_slots
        where hook_group_id = w.hook_group_id and hook_id = w.hook_id and fires_at = any(array[w.fires_at])
          for update skip locked) as s
     cross join lateral (
       select hook_group_id, hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token from hooks
        where hook_group_id = w.hook_group_id and hook_id = w.hook_id
          for key share skip locked) as h`;

/** The outcome of a fire. */
export interface FireRow extends HookRef {
  readonly taskId: string;
  readonly firedBy: Firer;
  readonly firedAt: Date;
  /** Null when the task was created. */
  readonly error: string | null;
  readonly digest: string;
}

/** Writes the outcomes of fires. One that led to a task stays, whatever is tried under its id afterwards. */
export const saveFires = (tx: Transaction, fires: readonly FireRow[]) =>
  tx`
    insert into hook_fires as f (hook_group_id, hook_id, task_id, fired_by, fired_at, error, digest)
    select hook_group_id, hook_id, task_id, fired_by, fired_at, error, digest
      from unnest(${groups(fires)}::text[], ${ids(fires)}::text[],
                  ${fires.map((fire) => fire.taskId)}::text[], ${fires.map((fire) => fire.firedBy)}::text[],
                  ${fires.map((fire) => fire.firedAt)}::timestamptz[],
                  ${fires.map((fire) => fire.error)}::text[], ${fires.map((fire) => fire.digest)}::text[])
           as n(hook_group_id, hook_id, task_id, fired_by, fired_at, error, digest)
     order by hook_group_id, hook_id, task_id
    on conflict (hook_group_id, hook_id, task_id) do update
       set fired_by = excluded.fired_by, fired_at = excluded.fired_at, error = excluded.error,
           digest = excluded.digest
     where f.error is not null`;

/** Until the transaction ends, nobody else who asks for the same creates tasks under these ids. In order, against deadlocks. */
export const lockTaskIds = (tx: Transaction, taskIds: readonly string[]) =>
  tx`
    select pg_advisory_xact_lock(hashtextextended('fire of a hook ' || task_id, 0))
      from (select distinct task_id from unnest(${[...taskIds]}::text[]) as t(task_id) order by task_id) t`;

/** Those of some fires that led to their task. */
export const readSuccesses = (tx: Transaction, fires: readonly (HookRef & { readonly taskId: string })[]) =>
  tx<FireRow>`
    select f.hook_group_id, f.hook_id, f.task_id, fired_by, fired_at, error, digest
      from unnest(${groups(fires)}::text[], ${ids(fires)}::text[],
                  ${fires.map(({ taskId }) => taskId)}::text[]) as w(hook_group_id, hook_id, task_id)
     cross join lateral (
       select hook_group_id, hook_id, task_id, fired_by, fired_at, error, digest from hook_fires
        where hook_group_id = w.hook_group_id and hook_id = w.hook_id and task_id = w.task_id and error is null
       offset 0) as f`;

/** Fires of a hook, the latest first, after those of the page before. */
export const readFires = (
  db: Sql,
  ref: HookRef,
  { before, limit }: { before: { firedAt: Date; taskId: string }; limit: number },
) =>
  db<FireRow>`
    select hook_group_id, hook_id, task_id, fired_by, fired_at, error, digest
      from hook_fires
     where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}
       and (fired_at, task_id) < (${before.firedAt}::timestamptz, ${before.taskId}::text)
     order by fired_at desc, task_id desc
     limit ${limit}`;

/** Forgets fires from before a time; returns how many. */
export const deleteFires = async (db: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await db`
    delete from hook_fires
     where ctid = any(array(
       select ctid from hook_fires where fired_at < ${before} order by fired_at limit ${limit} for update skip locked))
    returning task_id`;
  return rows.length;
};

/** A message that is to fire a hook. */
export interface MessageRow extends HookRef {
  readonly taskId: string;
  /** JSON. */
  readonly payload: string;
}

/** Keeps messages for hooks, at most this many for each hook; those of deleted hooks are left out. */
export const insertMessages = async (
  tx: Transaction,
  messages: readonly MessageRow[],
  waitingMax: number,
): Promise<number> => {
  const rows = await tx`
    insert into hook_messages (hook_group_id, hook_id, task_id, payload)
    select m.hook_group_id, m.hook_id, m.task_id, m.payload
      from (select *, row_number() over (partition by hook_group_id, hook_id order by position) as place
              from unnest(${groups(messages)}::text[], ${ids(messages)}::text[],
                          ${messages.map((message) => message.taskId)}::text[],
                          ${messages.map((message) => message.payload)}::text[])
                   with ordinality as given(hook_group_id, hook_id, task_id, payload, position)) m
     where exists (select from hooks h where h.hook_group_id = m.hook_group_id and h.hook_id = m.hook_id offset 0)
       and m.place + (select count(*) from (select from hook_messages w
                                             where w.hook_group_id = m.hook_group_id and w.hook_id = m.hook_id
                                             limit ${waitingMax}) waiting) <= ${waitingMax}
     order by m.position
    returning id`;
  return rows.length;
};

/** A message that waits, with its hook. */
export type WaitingMessage = HookRow & MessageRow & { readonly id: number };

/** The messages that have waited longest. */
export const readWaiting = (db: Sql, limit: number) =>
  db<WaitingMessage>`
    select m.id, m.task_id, m.payload, h.hook_group_id, h.hook_id, metadata, task, bindings, schedule,
           trigger_schema, trigger_token
      from hook_messages m
     cross join lateral (
       select hook_group_id, hook_id, metadata, task, bindings, schedule, trigger_schema, trigger_token from hooks
        where hook_group_id = m.hook_group_id and hook_id = m.hook_id
       offset 0) as h
     order by m.id limit ${limit}`;

/** Takes messages that no other process takes, and deletes them with the commit. Their hooks are locked. */
export const takeMessages = async (tx: Transaction, messageIds: readonly number[]): Promise<number[]> => {
  const rows = await tx<{ id: number }>`
    select m.id
      from hook_messages m
     cross join lateral (
       select from hooks where hook_group_id = m.hook_group_id and hook_id = m.hook_id for key share skip locked) as h
     where m.id = any(${[...messageIds]}::bigint[])
       for update of m skip locked`;
  const taken = rows.map(({ id }) => id);
  await tx`delete from hook_messages where id = any(${taken}::bigint[])`;
  return taken;
};

/** Why an exchange of another program cannot be listened to. */
export interface BindingError {
  readonly exchange: string;
  readonly error: string;
  readonly since: Date;
}

/** Writes why an exchange cannot be listened to; the time is that of the first failure. */
export const saveBindingError = async (sql: Sql, { exchange, error, since }: BindingError): Promise<void> => {
  await sql`
    insert into hook_binding_errors as known (exchange, error, since)
    values (${exchange}, ${error}, ${since}::timestamptz)
    on conflict (exchange) do update set error = excluded.error where known.error <> excluded.error`;
};

export const forgetBindingError = async (sql: Sql, exchange: string): Promise<void> => {
  await sql`delete from hook_binding_errors where exchange = ${exchange}`;
};

/** Forgets the exchanges that no hook is bound to. */
export const forgetUnboundExchanges = async (sql: Sql): Promise<void> => {
  await sql`
    delete from hook_binding_errors e
     where not exists (
       select from hooks h
        cross join lateral json_array_elements(h.bindings::json) as bound(binding)
        where h.bindings <> '[]' and bound.binding ->> 'exchange' = e.exchange offset 0)`;
};

/** What is known of all exchanges. */
export const listBindingErrors = (sql: Sql) =>
  sql<Pick<BindingError, 'exchange' | 'error'>>`select exchange, error from hook_binding_errors`;

/** What is known of these exchanges. */
export const readBindingErrors = (sql: Sql, exchanges: readonly string[]) =>
  sql<BindingError>`
    select exchange, error, since from hook_binding_errors
     where exchange = any(${exchanges}::text[]) order by exchange`;

import type { Sql } from '../../base/index.ts';

// Tables that a test makes for itself.

/** Notes that a process has seen messages of these routing keys. */
export const insertSeen = (sql: Sql, pid: number, keys: readonly string[]) =>
  sql`insert into seen (process, key) select ${pid}, key from unnest(${[...keys]}::text[]) as given(key)`;

/** Notes that messages of these routing keys are handled. */
export const insertHandled = (sql: Sql, keys: readonly string[]) =>
  sql`insert into handled (key) select key from unnest(${[...keys]}::text[]) as given(key)`;

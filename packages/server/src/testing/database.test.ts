import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readMigrations } from '../base/index.ts';
import { testDatabase } from './index.ts';

it('gives each caller a migrated database of its own', async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
  assert.notEqual(one.url, other.url);
  const applied = await one.db<{ number: number }>`select number from schema_migrations order by number`;
  assert.deepEqual(
    applied.map((row) => row.number),
    (await readMigrations()).map((migration) => migration.number),
  );
  await one.db`create table mine (id int)`;
  await assert.rejects(other.db`select id from mine`, /does not exist/);
  await Promise.all([one.drop(), other.drop()]);
});

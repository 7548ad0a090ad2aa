import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { heldTransaction, type TestDatabase, testDatabase } from '../testing/index.ts';
import { connect } from './database.ts';
import { migrate } from './migrations.ts';

let test: TestDatabase;
before(async () => {
  test = await testDatabase();
});
after(() => test.drop());

it('a migration that waits for a table lets others through, and goes on when the table is free', async () => {
  const { db, url } = test;
  // As before migration 36, while a dump reads the table.
  await db`alter table artifacts drop column content`;
  await db`delete from schema_migrations where number = 36`;
  const dump = connect({ url });
  const dumping = await heldTransaction(dump, async (tx) => {
    await tx`lock table artifacts in access share mode`;
  });
  const migrating = migrate(url);
  try {
    await eventually('the migration to wait for the table', async () => {
      const waiting = await db`select from pg_locks where relation = 'artifacts'::regclass and not granted`;
      return waiting.length > 0;
    });
    // It would wait behind the migration until the dump is over.
    await within('a reader of the table', db`select name from artifacts`);
  } finally {
    await dumping.end();
  }
  await dump.close();
  assert.deepEqual(await migrating, [36]);
  assert.deepEqual(await db`select content from artifacts`, []);
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DatabaseFacts } from '../base/index.ts';
import { whyRefused } from './prepare-database.ts';

const sound = { version: '15.0', versionNumber: 150_000, encoding: 'UTF8', unsafeSettings: [] as string[] };
const reasonFor = (facts: Partial<typeof sound>, databaseMayLose = false): string | undefined =>
  whyRefused({ ...sound, ...facts } as unknown as DatabaseFacts, { databaseMayLose });

it('a database is refused that is too old, has another encoding, or may lose commits', () => {
  assert.equal(reasonFor({}), undefined);
  assert.match(
    reasonFor({ version: '14.9', versionNumber: 140_009 }, true) ?? '',
    /is PostgreSQL 14.9; .* 15 or later/,
  );
  assert.match(reasonFor({ encoding: 'SQL_ASCII' }, true) ?? '', /encoding SQL_ASCII/);
  assert.match(reasonFor({ unsafeSettings: ['fsync'] }) ?? '', /fsync off.*DATABASE_MAY_LOSE/);
  assert.equal(reasonFor({ unsafeSettings: ['fsync'] }, true), undefined);
});

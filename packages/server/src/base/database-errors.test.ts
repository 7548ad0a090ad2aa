import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import pg from 'pg';
import { isUnavailable } from './database-errors.ts';

const failureOf = async (url: string): Promise<unknown> => {
  const client = new pg.Client({ connectionString: url });
  return client.connect().then(
    () => assert.fail('there is a server'),
    (error: unknown) => error,
  );
};

it('a database whose socket is gone is unavailable, and a file that is missing is another fault', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-socket-'));
  t.after(() => rm(folder, { recursive: true }));
  const error = await failureOf(`postgres://taskyard@${encodeURIComponent(folder)}/postgres`);
  assert.equal(isUnavailable(error), true, String(error));
  assert.equal(
    isUnavailable(Object.assign(new Error('no file'), { code: 'ENOENT', syscall: 'open' })),
    false,
  );
});

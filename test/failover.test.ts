import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import pg from 'pg';
import { assertInvariants } from './support/invariants.ts';
import { startLoad } from './support/load.ts';
import { putMadeDatabase } from './support/made-database.ts';
import { aHome, root } from './support/platform.ts';

interface Replica {
  readonly url: string;
  pause(): Promise<void>;
  resume(): Promise<void>;
  kill(): void;
}

interface Testing {
  startReplicas(prepare: typeof putMadeDatabase): Promise<{
    readonly primary: Replica;
    readonly standby: Replica;
    readonly url: string;
    close(): Promise<void>;
  }>;
}

/** The server's own launcher of a primary with its standby. Packages do not export it. */
const { startReplicas } = (await import(join(root, 'packages/server/dist/testing/index.js'))) as Testing;

const promote = async ({ url }: Replica): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('select pg_promote(true, 60)');
  await client.end();
};

it('a platform whose primary is suspended under load goes on with its standby, and loses nothing', async (t) => {
  const replicas = await startReplicas(putMadeDatabase);
  const home = await aHome(t);
  t.after(() => replicas.close());
  const env = { DATABASE_URL: replicas.url, PROCESSES: '2', WORKER: 'false', LOG_LEVEL: 'fatal' };
  const platform = await home.start({ ...env, TASK_CLAIM_TIMEOUT: '4' });
  const load = startLoad(() => platform, { rounds: 20 });
  await load.more(30);
  await replicas.primary.pause();
  await promote(replicas.standby);
  await load.done;
  // It goes on where it was, and takes itself for the primary. Nobody returns to it.
  await replicas.primary.resume();
  const more = startLoad(() => platform, { rounds: 2 });
  await more.done;
  assert.equal(await platform.stop(), 0);
  const acknowledged = [...load.acknowledged, ...more.acknowledged];
  await assertInvariants(replicas.standby.url, { acknowledged });
});

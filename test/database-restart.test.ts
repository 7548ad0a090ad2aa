import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Queue, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { aTask } from './support/line.ts';
import { aHome, type Platform } from './support/platform.ts';
import { aPostgres, postgresPidIn } from './support/postgres.ts';
import { aPostgresProxy } from './support/tcp-proxy.ts';

const create = async ({ rootUrl, credentials }: Platform): Promise<string> => {
  const queue = new Queue({ rootUrl, credentials, retries: 0 });
  const taskId = slugid();
  await queue.createTask(taskId, aTask('example/restart') as Parameters<Queue['createTask']>[1]);
  return taskId;
};

for (const count of ['1', '2']) {
  describe(`a platform of ${count} whose own PostgreSQL is killed`, () => {
    it('starts it again, each time, and loses nothing', async (t) => {
      const home = await aHome(t);
      const platform = await home.start({ PROCESSES: count, WORKER: 'false', LOG_LEVEL: 'silent' });
      const queue = new Queue({ ...platform, retries: 0 });
      const taskIds = [await create(platform)];
      for (const _ of ['once', 'twice']) {
        const killed = await postgresPidIn(home.path);
        process.kill(killed, 'SIGKILL');
        // Sessions of the one that was killed may answer for a moment longer.
        await eventually(
          'another PostgreSQL',
          () => postgresPidIn(home.path),
          (pid) => pid > 0 && pid !== killed,
        );
        const taskId = await eventually('a task to be created once more', () =>
          create(platform).catch(() => undefined),
        );
        taskIds.push(taskId);
      }
      for (const taskId of taskIds) {
        const { status } = await eventually('the status of a task', () =>
          queue.status(taskId).catch(() => undefined),
        );
        assert.equal(status.state, 'pending');
      }
      assert.equal(await platform.stop(), 0);
    });

    it('ends with a code and a sentence when it does not start again', async (t) => {
      const home = await aHome(t);
      const errors = join(home.path, 'errors');
      const file = await open(errors, 'w');
      const env = { PROCESSES: count, WORKER: 'false', LOG_LEVEL: 'silent' };
      const platform = await home.start(env, file.fd);
      const ended = once(platform.process, 'exit');
      const killed = await postgresPidIn(home.path);
      // Without this file it does not start. The folder is there, so nothing else ends the platform.
      await rename(join(home.path, 'postgres/data/global/pg_control'), join(home.path, 'postgres/control'));
      process.kill(killed, 'SIGKILL');
      const [code] = await within('the platform to end', ended);
      assert.equal(code, 1);
      assert.match(
        await readFile(errors, 'utf8'),
        /taskyard: The embedded PostgreSQL has ended, and does not run again\. /,
      );
      await file.close();
    });
  });
}

it('a start during which the connection to the database breaks ends with a code and a sentence', async (t) => {
  const proxy = await aPostgresProxy(t, (await aPostgres(t)).url);
  const home = await aHome(t);
  const errors = join(home.path, 'errors');
  const file = await open(errors, 'w');
  const isCut = proxy.cutCommit(['insert into clients'], 'before the commit');
  const started = home.start({ DATABASE_URL: proxy.url, WORKER: 'false', LOG_LEVEL: 'silent' }, file.fd);
  await assert.rejects(started, /The platform ended at its start: 1/);
  await within('the connection to break', isCut);
  assert.match(await readFile(errors, 'utf8'), /taskyard: The platform cannot be started: /);
  await file.close();
});

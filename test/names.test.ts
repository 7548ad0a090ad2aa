import assert from 'node:assert/strict';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { Auth, Index, Secrets, slugid } from '@taskyard/client';
import { runProgram } from './support/command.ts';
import { aHome, type Platform, taskyard } from './support/platform.ts';

const expires = '2099-01-01T00:00:00.000Z';

/** The status of a request whose path goes over the wire as it is written: no client takes steps out of it. */
const statusOf = async (
  { rootUrl }: Platform,
  method: string,
  path: string,
  body: object,
): Promise<number> => {
  const { hostname, port } = new URL(rootUrl);
  const sent = request({ hostname, port, method, path, headers: { 'content-type': 'application/json' } });
  sent.end(JSON.stringify(body));
  const [response] = (await new Promise((resolve, reject) => {
    sent.once('response', (...found) => resolve(found));
    sent.once('error', reject);
  })) as [import('node:http').IncomingMessage];
  await json(response);
  return response.statusCode ?? 0;
};

describe('listed-but-out-of-reach', () => {
  it('a secret that is listed is read and deleted by exactly its name', async (t) => {
    const platform = await (await aHome(t)).start({ WORKER: 'false' });
    const secrets = new Secrets(platform);
    const names = ['a/b', 'a//b', '/a', 'a b ', '100%', 'a%2Fb', 'x?y#z', 'a/../b', 'n'.repeat(1000)];
    for (const name of names) await secrets.set(name, { secret: { is: name }, expires });
    const listed = (await secrets.list({})).secrets;
    for (const name of names) assert.ok(listed.includes(name), name);
    for (const name of names) assert.deepEqual((await secrets.get(name)).secret, { is: name });
    const env = {
      TASKCLUSTER_ROOT_URL: platform.rootUrl,
      TASKCLUSTER_CLIENT_ID: platform.credentials.clientId,
      TASKCLUSTER_ACCESS_TOKEN: platform.credentials.accessToken,
    };
    for (const name of ['a/b', 'a%2Fb', 'a b ']) {
      const { out, err, code } = await runProgram(process.execPath, [taskyard, 'secret', 'get', name], {
        env,
      });
      assert.equal(code, 0, err);
      assert.deepEqual(JSON.parse(out), { is: name });
    }
    for (const [i, name] of names.entries()) {
      await secrets.remove(name);
      const left = (await secrets.list({})).secrets;
      assert.deepEqual([...left].sort(), names.slice(i + 1).sort());
    }
  });

  it('a name that clients take for a step in the path is refused', async (t) => {
    const platform = await (await aHome(t)).start({ WORKER: 'false' });
    await new Auth(platform).createRole('anonymous', { description: '', scopes: ['secrets:set:*'] });
    for (const name of ['.', '..', '%2E', '%2e%2E']) {
      const status = await statusOf(platform, 'PUT', `/api/secrets/v1/secret/${name}`, {
        secret: {},
        expires,
      });
      assert.equal(status, 400, name);
    }
  });
});

describe('route-words-as-names', () => {
  it('names like the fixed words of routes are listed and found', async (t) => {
    const platform = await (await aHome(t)).start({ WORKER: 'false' });
    const index = new Index(platform);
    const entry = { taskId: slugid(), rank: 1, data: {}, expires };
    for (const path of ['indexes.a', 'tasks.indexes', 'list', 'token.stats'])
      await index.insertTask(path, entry);
    const names = (await index.listNamespaces('', {})).namespaces.map(({ name }) => name);
    for (const name of ['indexes', 'tasks', 'token']) assert.ok(names.includes(name), name);
    assert.deepEqual(
      (await index.listTasks('indexes', {})).tasks.map(({ namespace }) => namespace),
      ['indexes.a'],
    );
    assert.deepEqual((await index.listNamespaces('indexes', {})).namespaces, []);
    for (const path of ['indexes.a', 'tasks.indexes', 'list', 'token.stats']) {
      assert.equal((await index.findTask(path)).taskId, entry.taskId);
    }
    const found = await index.findTasksAtIndex({ indexes: ['indexes.a', 'tasks.indexes'] });
    assert.equal(found.tasks.length, 2);
  });
});

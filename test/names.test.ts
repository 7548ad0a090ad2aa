import assert from 'node:assert/strict';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Auth, Secrets } from '@taskyard/client';
import { runProgram } from './support/command.ts';
import { kindsOn } from './support/named-things.ts';
import { aHome, type Platform, taskyard } from './support/platform.ts';

const expires = '2099-01-01T00:00:00.000Z';
const endings: (() => Promise<void>)[] = [];
let platform: Platform;
before(async () => {
  platform = await (await aHome({ after: (end) => endings.push(end) })).start({ WORKER: 'false' });
});
after(async () => {
  for (const end of endings) await end();
});

/** The status of a request whose path goes over the wire as it is written: no client takes steps out of it. */
const statusOf = async (method: string, path: string, body?: object): Promise<number> => {
  const { hostname, port } = new URL(platform.rootUrl);
  const sent = request({ hostname, port, method, path, headers: { 'content-type': 'application/json' } });
  sent.end(body && JSON.stringify(body));
  const [response] = (await new Promise((resolve, reject) => {
    sent.once('response', (...found) => resolve(found));
    sent.once('error', reject);
  })) as [import('node:http').IncomingMessage];
  await json(response);
  return response.statusCode ?? 0;
};

describe('listed-but-out-of-reach', () => {
  const odd = ['a/b', 'a//b', '/a', 'a b ', ' a', '100%', 'a%2Fb', 'x?y#z', 'a/../b', '"\'<&>\\', '-rf'];

  it('a secret that is listed is read and deleted by exactly its name', async () => {
    const secrets = new Secrets(platform);
    const names = [...odd, 'n'.repeat(1000)];
    for (const name of names) await secrets.set(name, { secret: { is: name }, expires });
    const listed = (await secrets.list({})).secrets;
    for (const name of names) assert.ok(listed.includes(name), name);
    for (const name of names) assert.deepEqual((await secrets.get(name)).secret, { is: name });
    for (const [i, name] of names.entries()) {
      await secrets.remove(name);
      const left = (await secrets.list({})).secrets;
      assert.deepEqual([...left].sort(), names.slice(i + 1).sort());
    }
  });

  for (const title of ['a role', 'an artifact', 'an object'])
    it(`${title} that is listed is read and deleted by exactly its name`, async () => {
      const { put, get, list, remove } = kindsOn(platform)[title] ?? assert.fail();
      const names = [...odd, 'n'.repeat(1000)];
      for (const [i, name] of names.entries()) await put(name, `mark-${i}`);
      const listed = await list?.();
      for (const [i, name] of names.entries()) {
        if (listed) assert.equal(listed.filter((other) => other === name).length, 1, name);
        assert.equal(await get(name), `mark-${i}`, name);
      }
      for (const [i, name] of names.entries()) {
        await remove?.(name);
        if (remove) await assert.rejects(get(name), { statusCode: 404 }, name);
        for (const other of names.slice(i + 1, i + 3)) await get(other);
      }
    });

  it('and so it is by the command line', async () => {
    const env = {
      TASKCLUSTER_ROOT_URL: platform.rootUrl,
      TASKCLUSTER_CLIENT_ID: platform.credentials.clientId,
      TASKCLUSTER_ACCESS_TOKEN: platform.credentials.accessToken,
    };
    const run = async (verb: string, words: readonly string[], input = '') => {
      const options = { env, input };
      const ended = await runProgram(process.execPath, [taskyard, 'secret', verb, ...words], options);
      assert.equal(ended.code, 0, ended.err);
      return ended.out;
    };
    const names = ['a/b', 'a%2Fb', '-a b '];
    for (const name of names) await run('set', ['--', name, '-'], JSON.stringify({ is: name }));
    assert.deepEqual(JSON.parse(await run('list', ['--json'])), [...names].sort());
    for (const name of names) {
      assert.deepEqual(JSON.parse(await run('get', ['--', name])), { is: name });
      await run('delete', ['--', name]);
    }
    assert.deepEqual(JSON.parse(await run('list', ['--json'])), []);
  });

  it('a name that clients take for a step in the path is refused', async () => {
    await new Auth(platform).createRole('anonymous', { description: '', scopes: ['secrets:set:*'] });
    for (const name of ['.', '..', '%2E', '%2e%2E']) {
      const status = await statusOf('PUT', `/api/secrets/v1/secret/${name}`, { secret: {}, expires });
      assert.equal(status, 400, name);
    }
    await new Auth(platform).deleteRole('anonymous');
  });
});

describe('route-words-as-names', () => {
  for (const title of Object.keys(kindsOn({ rootUrl: 'http://localhost' })))
    it(`${title} with a name like a fixed word of a route is listed, found and removed`, async () => {
      const { names, put, get, list, remove } = kindsOn(platform)[title] ?? assert.fail();
      const markOf = (name: string) => `mark-${names.indexOf(name)}`;
      for (const name of names) await put(name, markOf(name));
      const listed = await list?.();
      for (const name of names) {
        if (listed) assert.equal(listed.filter((other) => other === name).length, 1, name);
        assert.equal(await get(name), markOf(name), name);
      }
      if (!remove) return;
      for (const [i, name] of names.entries()) {
        await remove(name);
        await assert.rejects(get(name), { statusCode: 404 }, name);
        for (const other of names.slice(i + 1)) assert.equal(await get(other), markOf(other), other);
      }
    });

  it('a fixed word of a route acts on the thing before it alone', async () => {
    const auth = new Auth(platform);
    const client = { description: '', expires, scopes: [] };
    for (const clientId of ['words', 'words/reset', 'words/disable'])
      await auth.createClient(clientId, client);
    await auth.updateClient('words/reset', { ...client, description: 'changed' });
    await auth.updateClient('words/disable', { ...client, description: 'changed' });
    const before = await auth.client('words');
    assert.deepEqual([before.description, before.disabled], ['', false]);
    assert.equal(before.lastRotated, before.created);
    await auth.resetAccessToken('words');
    assert.notEqual((await auth.client('words')).lastRotated, before.lastRotated);
    const [other] = [await auth.client('words/reset')];
    assert.equal(other.lastRotated, other.created);
  });
});

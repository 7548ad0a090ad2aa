import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Auth } from '@taskyard/client';
import { runProgram } from './support/command.ts';
import { aHome, readVariables, taskyard } from './support/platform.ts';

const ping = async (rootUrl: string): Promise<number> => (await fetch(`${rootUrl}/api/queue/v1/ping`)).status;

test('a server that listens on all addresses names those that others can use', async (t) => {
  const home = await aHome(t);
  const { rootUrl, credentials } = await home.start({ HOST: '0.0.0.0' }, undefined, '--no-worker');
  const ofCards = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(
      ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'),
    )
    .map(({ address }) => address);
  assert.equal(new URL(rootUrl).hostname, ofCards[0] ?? 'localhost');
  for (const address of [...ofCards, 'localhost']) {
    const there = new URL(rootUrl);
    there.hostname = address;
    assert.equal(await ping(there.origin), 200, address);
  }

  await t.test('in the files that clients read, too', async () => {
    const variables = await readVariables(join(home.path, 'credentials.env'));
    assert.equal(variables.TASKCLUSTER_ROOT_URL, rootUrl);
    const { url } = JSON.parse(await readFile(join(home.path, 'server.json'), 'utf8')) as { url: string };
    assert.equal(url, rootUrl);
    const { scopes } = await new Auth({ rootUrl, credentials }).currentScopes();
    assert.ok(scopes.includes('*'));
  });

  await t.test('and commands without any option find it', async () => {
    const env = { TASKYARD_DATA: home.path };
    const { out, err } = await runProgram(process.execPath, [taskyard, 'api', 'queue', 'ping'], { env });
    assert.match(out, /"alive": true/, err);
  });
});

test('a server with --root-url names that address', async (t) => {
  const home = await aHome(t);
  const words = ['--no-worker', '--root-url', 'http://tasks.example.com:8080'];
  const { rootUrl } = await home.start({ HOST: '0.0.0.0' }, undefined, ...words);
  assert.equal(rootUrl, 'http://tasks.example.com:8080');
  const variables = await readVariables(join(home.path, 'credentials.env'));
  assert.equal(variables.TASKCLUSTER_ROOT_URL, rootUrl);
});

test('a missing service or method is named', async (t) => {
  const { rootUrl } = await (await aHome(t)).start({}, undefined, '--no-worker');
  const refusal = async (path: string, method = 'GET'): Promise<string> => {
    const reply = await fetch(rootUrl + path, { method });
    const body = (await reply.json()) as { code: string; message: string; requestInfo: { time: string } };
    assert.deepEqual([reply.status, body.code], [404, 'ResourceNotFound'], path);
    assert.match(body.requestInfo.time, /^\d{4}-/);
    return body.message;
  };
  assert.match(
    await refusal('/api/aws-provisioner/v1/accounts'),
    /has no service "aws-provisioner"\. It has auth, queue, /,
  );
  assert.match(
    await refusal('/api/queue/v1/tsk/one?limit=1', 'POST'),
    /^The service queue has no method POST "\/api\/queue\/v1\/tsk\/one"\. .*\/references\/queue\/v1\/api\.json/,
  );
  const reference = await fetch(`${rootUrl}/references/queue/v1/api.json`);
  assert.equal(reference.status, 200);
  assert.match(await refusal('/nowhere.txt'), /^There is nothing at "\/nowhere\.txt"/);
});

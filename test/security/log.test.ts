import assert from 'node:assert/strict';
import { it } from 'node:test';
import { slugid } from '@taskyard/client';
import { anOtlpEndpoint } from '../support/otlp.ts';
import { attributesOf, bewitParts, headerOf, type Keys, withBewit } from './hawk.ts';
import { aSite } from './site.ts';
import { aTask, hourFromNow } from './world.ts';

it('no secret reaches the log or a trace, whatever is done with it', async (t) => {
  const endpoint = await anOtlpEndpoint(t);
  const site = await aSite(t, { LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.url });
  const expires = hourFromNow(1);
  const path = '/api/auth/v1/clients/secretive';
  const wanted = { description: '', expires, scopes: ['*'] };
  const created = await site.prepare('PUT', path, wanted);
  const reset = await site.prepare('POST', `${path}/reset`);
  const client: Keys = { clientId: 'secretive', accessToken: reset.body.accessToken as string };

  const taskId = slugid();
  const marker = `payload-${slugid()}`;
  await site.prepare('PUT', `/api/queue/v1/task/${taskId}`, aTask({ payload: { marker } }));
  const worker = { workerGroup: 'log', workerId: 'one', tasks: 1 };
  const { body } = await site.prepare('POST', '/api/queue/v1/claim-work/secure%2Ftasks', worker);
  const [claim] = body.tasks as { credentials: { accessToken: string; certificate: string } }[];
  const { signature, seed } = JSON.parse(claim?.credentials.certificate ?? '{}') as Record<string, string>;

  // Good, bad and broken requests, each with something that must not be told.
  const current = '/api/auth/v1/scopes/current';
  const signed = { method: 'GET', path: current, port: site.port };
  const bewit = withBewit(current, bewitParts(client, signed));
  const attributes = attributesOf(client, signed);
  await site.ask({ path: current, headers: { authorization: headerOf(attributes) } });
  await site.ask({ path: current, headers: { authorization: headerOf({ ...attributes, nonce: 'x' }) } });
  await site.ask({ path: bewit });
  await site.ask({ path: `${bewit}&limit=x` });
  await site.ask({ method: 'PUT', path, as: client, body: `{"accessToken":"${client.accessToken}"` });
  await site.ask({ method: 'POST', path, as: client, body: { ...wanted, accessToken: client.accessToken } });
  await site.ask({ path: `/api/auth/v1/clients/?prefix=${client.accessToken}%00`, as: client });
  await site.platform.stop();

  const secrets = {
    root: site.root.accessToken,
    created: created.body.accessToken as string,
    reset: client.accessToken,
    claim: claim?.credentials.accessToken,
    signature,
    seed,
    mac: attributes.mac,
    bewit: bewit.split('bewit=')[1],
    marker,
  };
  const log = site.log();
  assert.match(log, /"name":"claimWork"/);
  const traces = endpoint.bytes();
  assert.ok(traces.includes('claimWork'));
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(secret && secret.length >= 20, name);
    assert.ok(!log.includes(secret), `the log tells ${name}`);
    assert.ok(!traces.includes(secret), `a trace tells ${name}`);
  }
});

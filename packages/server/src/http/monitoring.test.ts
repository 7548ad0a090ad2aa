import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastify } from 'fastify';
import { manualClock } from '../base/index.ts';
import { servedOn, tester } from '../testing/index.ts';
import { serve } from './serve.ts';

test('the heartbeat fails while the database is unreachable, and the one for load balancers when the process is leaving', async () => {
  let isThere = true;
  const reachDatabase = async () => {
    if (!isThere) throw new Error('The database is gone');
  };
  const app = fastify();
  let isLeaving = false;
  const process = { uptimeSeconds: () => 1, version: '1.2.3', reachDatabase, isLeaving: () => isLeaving };
  const service = { serviceName: 'some', title: 'Some', description: '' };
  const authenticate = async () => ({ ...tester, scopes: [], satisfies: () => true });
  const deps = { ...servedOn(manualClock()), process, authenticate, fillScopes: () => ({ AllOf: [] }) };
  serve(app, deps, { declarations: [{ service, routes: [] }], services: {} });

  const statusOf = async (url: string) => (await app.inject({ url })).statusCode;
  const paths = ['/__heartbeat__', '/api/some/v1/__heartbeat__', '/__lbheartbeat__', '/api/some/v1/ping'];
  assert.deepEqual(await Promise.all(paths.map(statusOf)), [200, 200, 200, 200]);
  isThere = false;
  assert.deepEqual(await Promise.all(paths.map(statusOf)), [500, 500, 200, 200]);
  assert.match((await app.inject({ url: '/__version__' })).body, /1\.2\.3/);
  [isThere, isLeaving] = [true, true];
  assert.deepEqual(await Promise.all(paths.map(statusOf)), [200, 200, 503, 200]);
  await app.close();
});

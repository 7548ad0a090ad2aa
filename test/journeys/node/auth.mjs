import assert from 'node:assert/strict';
import hawk from 'hawk';
import taskcluster from 'taskcluster-client';
import { allPages, clientOf, refusal, site } from './site.mjs';

const clients = async (auth) => {
  const clientId = 'journeys/node/client';
  const wanted = {
    description: 'a client',
    expires: taskcluster.fromNowJSON('1 day'),
    scopes: ['journeys:one:*', 'auth:create-client:journeys/node/*', 'auth:current-scopes'],
  };
  const created = await auth.createClient(clientId, wanted);
  const credentials = { clientId, accessToken: created.accessToken };
  assert.deepEqual(
    (await clientOf('Auth', { credentials }).currentScopes()).scopes.includes('journeys:one:*'),
    true,
  );
  await auth.createClient('journeys/node/client-2', wanted);
  const listed = await allPages(
    (query) => auth.listClients({ prefix: 'journeys/node/', ...query }),
    'clients',
  );
  assert.deepEqual(
    listed.map((client) => client.clientId),
    [clientId, 'journeys/node/client-2'],
  );
  await auth.updateClient(clientId, { ...wanted, description: 'changed' });
  assert.equal((await auth.client(clientId)).description, 'changed');

  await auth.disableClient(clientId);
  assert.equal(await refusal(clientOf('Auth', { credentials }).currentScopes()), '401 AuthenticationFailed');
  await auth.enableClient(clientId);
  const { accessToken } = await auth.resetAccessToken(clientId);
  assert.equal(await refusal(clientOf('Auth', { credentials }).currentScopes()), '401 AuthenticationFailed');
  await temporaryCredentials({ clientId, accessToken });
  await auth.deleteClient('journeys/node/client-2');
  assert.equal(await refusal(auth.client('journeys/node/client-2')), '404 ResourceNotFound');

  const events = await allPages((query) => auth.getEntityHistory('client', clientId, query), 'auditHistory');
  assert.ok(events.length >= 4, `${events.length} events`);
  const own = await allPages(
    (query) => auth.listAuditHistory(site.credentials.clientId, query),
    'auditHistory',
  );
  assert.ok(own.length > events.length);
};

const temporaryCredentials = async (credentials) => {
  const span = { start: taskcluster.fromNow('-1 minute'), expiry: taskcluster.fromNow('1 hour') };
  const scopes = ['journeys:one:a'];
  const unnamed = taskcluster.createTemporaryCredentials({ ...span, scopes, credentials });
  const named = taskcluster.createTemporaryCredentials({
    ...span,
    scopes,
    credentials,
    clientId: 'journeys/node/guest',
  });
  for (const guest of [unnamed, named]) {
    const { scopes: held } = await clientOf('Auth', { credentials: guest }).currentScopes();
    assert.ok(held.includes('journeys:one:a'), `${guest.clientId} holds ${held}`);
  }
  const facts = await taskcluster.credentialInformation(site.rootUrl, named);
  assert.deepEqual([facts.type, facts.active, facts.clientId], ['temporary', true, 'journeys/node/guest']);

  const narrowed = clientOf('Auth', { credentials, authorizedScopes: ['journeys:one:b'] });
  const { scopes: left } = await narrowed.currentScopes();
  assert.ok(left.includes('journeys:one:b') && !left.includes('journeys:one:*'), `left: ${left}`);

  const greedy = taskcluster.createTemporaryCredentials({ ...span, scopes: ['journeys:two'], credentials });
  assert.equal(
    await refusal(clientOf('Auth', { credentials: greedy }).currentScopes()),
    '401 AuthenticationFailed',
  );
  const over = taskcluster.createTemporaryCredentials({
    start: taskcluster.fromNow('-2 hours'),
    expiry: taskcluster.fromNow('-1 hour'),
    scopes,
    credentials,
  });
  assert.equal(
    await refusal(clientOf('Auth', { credentials: over }).currentScopes()),
    '401 AuthenticationFailed',
  );
};

const roles = async (auth) => {
  const description = 'a role';
  await auth.createRole('journeys-node:*', { description, scopes: ['journeys:<..>'] });
  await auth.createRole('journeys-node:b', { description, scopes: ['journeys:of-b'] });
  assert.deepEqual((await auth.expandScopes({ scopes: ['assume:journeys-node:b'] })).scopes.sort(), [
    'assume:journeys-node:b',
    'journeys:b',
    'journeys:of-b',
  ]);
  await auth.updateRole('journeys-node:b', { description: 'changed', scopes: [] });
  assert.equal((await auth.role('journeys-node:b')).description, 'changed');
  const ours = ['journeys-node:*', 'journeys-node:b'];
  const isOurs = (roleId) => ours.includes(roleId);
  assert.deepEqual(
    (await auth.listRoles())
      .map(({ roleId }) => roleId)
      .filter(isOurs)
      .sort(),
    ours,
  );
  const listed = await allPages((query) => auth.listRoles2(query), 'roles');
  assert.deepEqual(
    listed
      .map(({ roleId }) => roleId)
      .filter(isOurs)
      .sort(),
    ours,
  );
  const ids = await allPages((query) => auth.listRoleIds(query), 'roleIds');
  assert.deepEqual(ids.filter(isOurs).sort(), ours);
  await auth.deleteRole('journeys-node:b');
  assert.equal(await refusal(auth.role('journeys-node:b')), '404 ResourceNotFound');
};

/** What a service of an own asks of auth, and the credentials with which everybody may try a client out. */
const authentication = async (auth) => {
  const resource = '/some/path?a=b';
  const { header } = hawk.client.header(`https://service.example.com${resource}`, 'GET', {
    credentials: {
      id: site.credentials.clientId,
      key: site.credentials.accessToken,
      algorithm: 'sha256',
    },
  });
  const found = await auth.authenticateHawk({
    method: 'get',
    resource,
    host: 'service.example.com',
    port: 443,
    authorization: header,
  });
  assert.deepEqual([found.status, found.clientId], ['auth-success', site.credentials.clientId]);

  const tester = clientOf('Auth', { credentials: { clientId: 'tester', accessToken: 'no-secret' } });
  const tried = await tester.testAuthenticate({ clientScopes: ['a:*'], requiredScopes: ['a:b'] });
  assert.equal(tried.clientId, 'tester');
  assert.ok(tried.scopes.includes('a:*'));
  assert.equal((await tester.testAuthenticateGet()).clientId, 'tester');
  assert.equal(
    await refusal(tester.testAuthenticate({ clientScopes: ['a:b'], requiredScopes: ['c:d'] })),
    '403 InsufficientScopes',
  );
};

/**
 * Without an operator's settings nobody else's credentials can be had, and the refusal says so at once. Those of Azure
 * are gone from the contract.
 */
const otherParties = async () => {
  const once = clientOf('Auth', { retries: 0 });
  const refusals = {
    '404 ResourceNotFound': [
      once.awsS3Credentials('read-only', 'a-bucket', 'a/prefix'),
      once.sentryDSN('a-project'),
      once.websocktunnelToken('audience', 'client'),
      once.gcpCredentials('a-project', 'somebody@example.com'),
    ],
    '410 ResourceExpired': [
      once.azureAccounts(),
      once.azureTables('account'),
      once.azureTableSAS('account', 'table', 'read-only'),
      once.azureContainers('account'),
      once.azureContainerSAS('account', 'container', 'read-only'),
    ],
  };
  for (const [wanted, calls] of Object.entries(refusals))
    for (const call of calls) assert.equal(await refusal(call), wanted);
};

export const visitAuth = async () => {
  const auth = clientOf('Auth');
  await clients(auth);
  await roles(auth);
  await authentication(auth);
  await otherParties();
};

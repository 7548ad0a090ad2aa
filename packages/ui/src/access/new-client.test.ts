import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callbackFor, moment, newClientId, ownScopes } from './new-client.ts';

const created = { clientId: 'oidc/ada/cli', accessToken: 'a token' };

it('brings credentials to a program on this machine only', () => {
  const here = 'http://localhost:4321/?a=b';
  assert.equal(callbackFor(here, created), `${here}&clientId=oidc%2Fada%2Fcli&accessToken=a+token`);
  for (const elsewhere of [
    'https://example.com/',
    'http://localhost.example.com/',
    'http://localhost@example.com/',
    'javascript:alert(1)',
    '//example.com',
    '',
    undefined,
  ])
    assert.equal(callbackFor(elsewhere, created), undefined);
});

it('puts a new client below whoever makes it', () => {
  assert.equal(newClientId('oidc/ada', 'cli'), 'oidc/ada/cli');
  assert.equal(newClientId('static/taskcluster/root', 'cli'), 'root/cli');
});

it('gives it what its maker is, or else what its maker may', () => {
  const held = ['a:b', 'assume:anonymous', 'assume:login-identity:oidc/ada'];
  assert.deepEqual(ownScopes('oidc/ada', held), ['assume:login-identity:oidc/ada']);
  assert.deepEqual(ownScopes('root', ['*', 'assume:anonymous']), ['*']);
});

it('reads dates and times from now', () => {
  assert.equal(moment('2030-01-01')?.toJSON(), '2030-01-01T00:00:00.000Z');
  assert.ok((moment('1 day')?.getTime() ?? 0) > Date.now());
  assert.equal(moment('soon'), undefined);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scopesSatisfy } from '@taskyard/client/browser';
import { fewest, holdersOf, leastMissing } from './satisfying.ts';

describe('scopes', () => {
  it('are satisfied by themselves and by what ends in a star before them', () => {
    assert.ok(scopesSatisfy(['queue:*'], ['queue:get-task:a', 'queue:']));
    assert.ok(!scopesSatisfy(['queue:get-task:a'], ['queue:get-task:ab']));
    assert.ok(!scopesSatisfy(['a'], ['a', 'b']));
    assert.ok(scopesSatisfy([], []));
  });
  it('are told without those that others cover', () => {
    assert.deepEqual(fewest(['b', 'a:*', 'a:b', 'b', 'a:c*']), ['a:*', 'b']);
  });
});

describe('what is missing', () => {
  it('is all of what must be held together, and the least of what are alternatives', () => {
    const required = { AllOf: ['a', { AnyOf: ['b', { AllOf: ['c', 'd'] }] }, 'e'] };
    assert.deepEqual(leastMissing(required, ['a', 'c', 'd', 'b']), ['a', 'b']);
    assert.deepEqual(
      leastMissing({ AnyOf: [{ AllOf: ['c', 'd'] }, { AllOf: ['x', 'y'] }] }, ['c', 'd', 'y']),
      ['y'],
    );
    assert.deepEqual(leastMissing('a', []), []);
  });
});

describe('who may do something', () => {
  it('is told with those first who can do the least besides', () => {
    const roles = [
      { roleId: 'everything', expandedScopes: ['*'] },
      { roleId: 'just-that', expandedScopes: ['secrets:get:a'] },
      { roleId: 'all-secrets', expandedScopes: ['secrets:*'] },
      { roleId: 'nothing', expandedScopes: [] },
    ];
    assert.deepEqual(
      holdersOf(roles, ['secrets:get:a']).map(({ roleId }) => roleId),
      ['just-that', 'all-secrets', 'everything'],
    );
  });
});

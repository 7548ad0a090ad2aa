import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callerWith } from '../testing/index.ts';
import { Authorization } from './authorization.ts';
import type { Contract, ScopeExpression } from './contract.ts';

/** The scopes that a refusal lists as missing. */
const missingOf = (held: readonly string[], scopes: ScopeExpression): string[] => {
  const contract = { name: 'anything', scopes } as unknown as Contract;
  const known = { caller: callerWith(held), params: {} };
  const authorization = new Authorization(() => scopes, contract, known);
  try {
    authorization.check({});
  } catch (error) {
    return (error as Error).message.split('\n').flatMap((line) => /^ {2}\* (.*)/.exec(line)?.[1] ?? []);
  }
  return [];
};

it('a refusal lists what is missing, and no alternatives to what the caller has', () => {
  const scopes = { AllOf: ['a', { AnyOf: ['b:high', 'b:low'] }, { AnyOf: ['c', { AllOf: ['d', 'e'] }] }] };
  assert.deepEqual(missingOf(['b:low', 'd', 'e'], scopes), ['a']);
  assert.deepEqual(missingOf(['a', 'd'], scopes), ['b:high', 'b:low', 'c', 'e']);
  assert.deepEqual(missingOf(['a', 'b:*', 'c'], scopes), []);
});

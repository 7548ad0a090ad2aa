import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BrokenTransaction, PartyAway, silentLog } from '../base/index.ts';
import type { Contract } from './contract.ts';
import { failureReply } from './failure.ts';

const contract = { name: 'task', method: 'GET', path: '/task' } as unknown as Contract;
const request = { contract, params: {}, payload: {}, isLarge: false, time: new Date(0) };

it('a database or a store that is away is a 503, so that callers try again', () => {
  const away = [
    new BrokenTransaction(new Error('gone'), 'unknown'),
    Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('starting up'), { code: '57P03' }),
    Object.assign(new Error('too many clients'), { code: '53300' }),
    new PartyAway('The store', 'SlowDown', undefined),
  ];
  for (const error of away) {
    const { status, body } = failureReply(error, request, silentLog);
    assert.deepEqual([status, (body as { code: string }).code], [503, 'ServiceUnavailable'], error.message);
  }
  assert.equal(failureReply(new Error('a bug'), request, silentLog).status, 500);
});

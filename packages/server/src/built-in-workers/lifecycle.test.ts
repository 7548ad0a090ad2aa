import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endOf } from './lifecycle.ts';

describe('the end of a built-in task', () => {
  it('is that of its queue when its payload is empty', () => {
    assert.deepEqual(endOf('succeed', {}), { end: 'completed' });
    assert.deepEqual(endOf('fail', {}), { end: 'failed' });
  });

  it('is a malformed payload when it asks for anything', () => {
    const malformed = { end: 'exception', reason: 'malformed-payload' };
    for (const payload of [{ command: [] }, { '': 0 }, JSON.parse('{"__proto__":{}}'), [], null, '', 0]) {
      assert.deepEqual(endOf('succeed', payload), malformed);
      assert.deepEqual(endOf('fail', payload), malformed);
    }
  });
});

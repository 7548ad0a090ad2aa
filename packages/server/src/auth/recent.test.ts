import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Recent } from './recent.ts';

const kept = () => new Recent<string>(10_000, (text) => text.length);

describe('what is remembered', () => {
  it('is bounded by bytes, keys included', () => {
    const recent = kept();
    for (let i = 0; i < 1000; i++) {
      recent.add(`${i}${'k'.repeat(i % 300)}`, 'v'.repeat(i % 700));
      assert.ok(recent.bytes <= 10_000, `${recent.bytes} bytes`);
    }
    assert.equal(recent.get('0'), undefined);
    assert.equal(recent.get(`999${'k'.repeat(99)}`), 'v'.repeat(299));
  });
  it('drops the least recently used first', () => {
    const recent = kept();
    for (let i = 0; i < 40; i++) {
      recent.add(`key${i}`, 'v'.repeat(300));
      assert.equal(recent.get('key0')?.length, 300);
    }
    assert.equal(recent.get('key1'), undefined);
  });
  it('does not keep a value that would displace too much else', () => {
    const recent = kept();
    assert.equal(recent.add('large', 'v'.repeat(2000)).length, 2000);
    assert.equal(recent.get('large'), undefined);
    recent.add('large', 'small');
    recent.add('large', 'v'.repeat(2000));
    assert.equal(recent.get('large'), undefined);
    assert.equal(recent.bytes, 0);
  });
  it('counts what is replaced, deleted and cleared', () => {
    const recent = kept();
    for (let i = 0; i < 100; i++) recent.add('same', 'value');
    const one = recent.bytes;
    recent.add('other', 'value');
    recent.delete('other');
    recent.delete('other');
    assert.equal(recent.bytes, one);
    recent.clear();
    assert.equal(recent.bytes, 0);
  });
});

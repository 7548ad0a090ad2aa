import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { encryption } from './encryption.ts';

const key = () => randomBytes(32).toString('base64');

describe('encryption', () => {
  it('decrypts to the same text, also an empty and a long one', () => {
    const { encrypt, decrypt } = encryption({ keys: { a: key() }, current: 'a' });
    for (const text of ['', 'secret', 'é😀', 'x'.repeat(100_000)]) assert.equal(decrypt(encrypt(text)), text);
  });
  it('the same text is encrypted differently each time, and is not readable', () => {
    const { encrypt } = encryption({ keys: { a: key() }, current: 'a' });
    assert.notEqual(encrypt('secret'), encrypt('secret'));
    assert.doesNotMatch(encrypt('secret'), /secret/);
  });
  it('what an old key encrypted stays readable after a rotation, and new texts use the new key', () => {
    const old = key();
    const before = encryption({ keys: { a: old }, current: 'a' }).encrypt('secret');
    const after = encryption({ keys: { a: old, b: key() }, current: 'b' });
    assert.equal(after.decrypt(before), 'secret');
    assert.match(after.encrypt('x'), /^b\./);
  });
  it('a text that was changed in any byte is refused', () => {
    const { encrypt, decrypt } = encryption({ keys: { a: key() }, current: 'a' });
    const bytes = Buffer.from(encrypt('secret').slice(2), 'base64url');
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      assert.throws(() => decrypt(`a.${changed.toString('base64url')}`));
    }
  });
  it('an unknown key, another key of the same id, and what was never encrypted are refused', () => {
    const one = encryption({ keys: { a: key() }, current: 'a' });
    const other = encryption({ keys: { b: key() }, current: 'b' });
    const same = encryption({ keys: { a: key() }, current: 'a' });
    assert.throws(() => other.decrypt(one.encrypt('x')), /no encryption key 'a'/);
    assert.throws(() => same.decrypt(one.encrypt('x')));
    for (const text of ['', 'plain', 'a.', 'a.AAAA'])
      assert.throws(() => one.decrypt(text), /not an encrypted text/);
  });
  it('derives one secret for each purpose, which stays while another key becomes the current one', () => {
    const [old, young] = [key(), key()];
    const { derive } = encryption({ keys: { a: old }, current: 'a' });
    assert.equal(derive('x'), encryption({ keys: { b: young, a: old }, current: 'b' }).derive('x'));
    const years = new Map([
      ['2026', young],
      ['2025', old],
    ]);
    assert.equal(derive('x'), encryption({ keys: years, current: '2026' }).derive('x'));
    assert.notEqual(derive('x'), derive('y'));
    assert.notEqual(derive('x'), encryption({ keys: { a: young }, current: 'a' }).derive('x'));
  });
  it('keys of another length, bad ids and a missing current key are refused at once', () => {
    assert.throws(() => encryption({ keys: { a: 'c2hvcnQ=' }, current: 'a' }), /32 bytes/);
    assert.throws(() => encryption({ keys: { 'a.b': key() }, current: 'a.b' }), /letters/);
    assert.throws(() => encryption({ keys: { a: key() }, current: 'b' }), /no encryption key 'b'/);
  });
});

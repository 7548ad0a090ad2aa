import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../testing/places.ts';
import { isShown, readSigningKey } from './signing-key.ts';

test('a key in PEM and its seed in base64 sign alike', async (t) => {
  const directory = await temporaryDirectory(t);
  const { privateKey } = generateKeyPairSync('ed25519');
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const bare = Buffer.from(privateKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const forms = {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    seed: seed.toString('base64'),
    both: `${Buffer.concat([seed, bare]).toString('base64')}\n`,
  };
  for (const [name, text] of Object.entries(forms)) {
    await writeFile(join(directory, name), text);
    const key = await readSigningKey(join(directory, name));
    assert.equal(key.publicKey, bare.toString('base64'));
    const bytes = Buffer.from('something');
    assert.ok(verify(null, bytes, createPublicKey(privateKey), key.sign(bytes)));
  }
});

test('what is no ed25519 key is refused', async (t) => {
  const directory = await temporaryDirectory(t);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const others = { other: privateKey.export({ type: 'pkcs8', format: 'pem' }), short: 'AAAA', empty: '' };
  for (const [name, text] of Object.entries(others)) {
    await writeFile(join(directory, name), text);
    await assert.rejects(readSigningKey(join(directory, name)), /is not an ed25519 key/);
  }
  await assert.rejects(readSigningKey(join(directory, 'none')), /is not an ed25519 key/);
});

test('a key is visible when it lies in a visible directory, by any name', async (t) => {
  const directory = await temporaryDirectory(t);
  await mkdir(join(directory, 'shown/deep'), { recursive: true });
  await mkdir(join(directory, 'shown-not'));
  await writeFile(join(directory, 'shown/deep/key'), '');
  await writeFile(join(directory, 'shown-not/key'), '');
  await symlink('shown/deep/key', join(directory, 'link'));
  const shown = [join(directory, 'shown'), join(directory, 'none')];
  assert.equal(await isShown(join(directory, 'shown/deep/key'), shown), true);
  assert.equal(await isShown(join(directory, 'link'), shown), true);
  assert.equal(await isShown(join(directory, 'shown-not/key'), shown), false);
});

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Certificate, createTemporaryCredentials } from './credentials.ts';
import { browserHmacSha256, hmacSha256 } from './encoding.ts';

const credentials = { clientId: 'issuer', accessToken: 'key of the issuer' };
const start = new Date('2026-01-01T00:00:00Z');
const expiry = new Date('2026-01-02T00:00:00Z');
const hmac = (text: string) => createHmac('sha256', credentials.accessToken).update(text);

describe('signing', () => {
  it('comes out the same in Node and in browsers', async () => {
    for (const sign of [
      await hmacSha256(credentials.accessToken),
      await browserHmacSha256(credentials.accessToken),
    ]) {
      assert.deepEqual(Buffer.from(await sign('schön')), hmac('schön').digest());
    }
  });
});

describe('temporary credentials', () => {
  it('are signed by their issuer, with the name in the signature', async () => {
    const made = await createTemporaryCredentials({
      credentials,
      clientId: 'new',
      scopes: ['a', 'b'],
      start,
      expiry,
    });
    const certificate = JSON.parse(made.certificate) as Certificate;
    const lines = [
      'version:1',
      'clientId:new',
      'issuer:issuer',
      `seed:${certificate.seed}`,
      `start:${start.getTime()}`,
      `expiry:${expiry.getTime()}`,
      'scopes:',
      'a',
      'b',
    ];
    assert.equal(made.clientId, 'new');
    assert.equal(certificate.seed.length, 44);
    assert.equal(certificate.signature, hmac(lines.join('\n')).digest('base64'));
    assert.equal(made.accessToken, hmac(certificate.seed).digest('base64url'));
  });

  it('go by the name of their issuer when they have none of their own', async () => {
    const made = await createTemporaryCredentials({ credentials, scopes: [], start, expiry });
    const certificate = JSON.parse(made.certificate) as Certificate;
    assert.equal(made.clientId, 'issuer');
    assert.equal('issuer' in certificate, false);
    const lines = [
      'version:1',
      `seed:${certificate.seed}`,
      `start:${start.getTime()}`,
      `expiry:${expiry.getTime()}`,
    ];
    assert.equal(certificate.signature, hmac([...lines, 'scopes:'].join('\n')).digest('base64'));
  });

  it('are refused where a server would refuse them', async () => {
    const sound = { credentials, scopes: [], start, expiry };
    const later = new Date(start.getTime() + 32 * 24 * 3600 * 1000);
    for (const wrong of [
      { ...sound, clientId: 'issuer' },
      { ...sound, expiry: later },
      { ...sound, expiry: new Date(0) },
      { ...sound, credentials: { ...credentials, certificate: '{}' } },
    ]) {
      await assert.rejects(createTemporaryCredentials(wrong));
    }
  });
});

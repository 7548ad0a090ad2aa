import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import hawk from 'hawk';
import { createSigner } from './hawk.ts';

const credentials = { clientId: 'project/ci', accessToken: 'a-secret-of-44-characters' };
const known = async () => ({
  id: credentials.clientId,
  user: credentials.clientId,
  key: credentials.accessToken,
  algorithm: 'sha256' as const,
});

const requestOf = (method: string, url: URL, authorization?: string) => ({
  method,
  url: url.pathname + url.search,
  headers: { host: url.host, ...(authorization ? { authorization } : {}) },
});

const extOf = (text: string | undefined): unknown => JSON.parse(Buffer.from(text ?? '', 'base64').toString());

describe('a signed request', () => {
  for (const address of [
    'http://127.0.0.1:8080/api/queue/v1/task/abc',
    'https://Example.COM/api/queue/v1/claim-work/proj%2Fci?limit=5&continuationToken=a%20b',
    'http://localhost/api/queue/v1/ping',
  ]) {
    it(`is accepted by another implementation: ${address}`, async () => {
      const url = new URL(address);
      const header = await createSigner(credentials).header('post', url);
      const request = requestOf('POST', url, header);
      const port = url.port || (url.protocol === 'https:' ? 443 : 80);
      const { artifacts } = await hawk.server.authenticate(request as never, known, { port: Number(port) });
      assert.equal(artifacts.ext, undefined);
    });
  }

  it('is refused when it was signed for another path', async () => {
    const header = await createSigner(credentials).header('GET', new URL('http://localhost/a'));
    await assert.rejects(
      hawk.server.authenticate(requestOf('GET', new URL('http://localhost/b'), header) as never, known),
    );
  });

  it('carries the certificate and the authorized scopes', async () => {
    const certificate = { version: 1, scopes: ['a'], start: 1, expiry: 2, seed: 's', signature: 'x' };
    const url = new URL('http://localhost/a');
    for (const form of [certificate, JSON.stringify(certificate)]) {
      const header = await createSigner({ ...credentials, certificate: form }, ['b:ü"*']).header('GET', url);
      const { artifacts } = await hawk.server.authenticate(requestOf('GET', url, header) as never, known);
      assert.deepEqual(extOf(artifacts.ext), { certificate, authorizedScopes: ['b:ü"*'] });
    }
  });
});

describe('a signed URL', () => {
  const authenticate = (address: string) =>
    hawk.uri.authenticate(requestOf('GET', new URL(address)) as never, known);

  it('is accepted by another implementation, with a query and without', async () => {
    const expires = new Date(Date.now() + 60_000);
    for (const address of ['http://localhost:81/a/b%2Fc', 'http://localhost:81/a?limit=1']) {
      const signed = await createSigner(credentials, ['only:this']).signedUrl(new URL(address), expires);
      assert.ok(signed.startsWith(address));
      // The published types call the second part otherwise than the program does.
      const { attributes } = (await authenticate(signed)) as unknown as { attributes: { ext: string } };
      assert.deepEqual(extOf(attributes.ext), { authorizedScopes: ['only:this'] });
    }
  });

  it('ends', async () => {
    const signed = await createSigner(credentials).signedUrl(new URL('http://localhost/a'), new Date(0));
    await assert.rejects(authenticate(signed), /expired/i);
  });
});

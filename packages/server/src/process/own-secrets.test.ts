import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ownClients } from '../auth/index.ts';
import { readConfig } from '../config/index.ts';
import { readSecrets } from './own-secrets.ts';

const key = (name: string) => `${name}:${randomBytes(32).toString('base64')}`;
const [old, fresh] = [key('old'), key('fresh')];
const extra = {
  clientId: 'static/extra',
  accessToken: 'e'.repeat(22),
  description: 'An extra.',
  scopes: ['a'],
};

const secretsOf = async (keys: string, staticClients: readonly object[] = []) => {
  const env = { ENCRYPTION_KEYS: keys, STATIC_CLIENTS: JSON.stringify(staticClients) };
  const secrets = await readSecrets(readConfig({ env }));
  const named = (clientId: string) => secrets.staticClients.find((client) => client.clientId === clientId);
  return { ...secrets, named };
};

describe('the key file of a data folder', () => {
  const inFolder = (data: string) => readSecrets(readConfig({ env: { TASKYARD_DATA: data } }));
  const aFolder = async (t: TestContext): Promise<string> => {
    const data = await mkdtemp(join(tmpdir(), 'taskyard-keys-'));
    t.after(() => rm(data, { recursive: true }));
    return data;
  };

  it('is created once, also when several processes start together', async (t) => {
    const data = await aFolder(t);
    const all = await Promise.all(Array.from({ length: 8 }, () => inFolder(data)));
    const sealed = all[0]?.encryption.encrypt('x') ?? '';
    for (const { encryption } of all) assert.equal(encryption.decrypt(sealed), 'x');
    assert.equal((await inFolder(data)).encryption.decrypt(sealed), 'x');
  });

  it('is never replaced when it cannot be read or is empty', async (t) => {
    const data = await aFolder(t);
    const file = join(data, 'encryption.keys');
    await mkdir(file);
    await assert.rejects(inFolder(data), /encryption\.keys cannot be read/);
    await rmdir(file);
    await writeFile(file, '\n');
    await assert.rejects(inFolder(data), /encryption\.keys is empty/);
    assert.equal(await readFile(file, 'utf8'), '\n');
  });
});

describe('the secrets of a deployment', () => {
  it('are encrypted with the first key, and the others can be retired', async () => {
    const { encryption } = await secretsOf(`${fresh},${old}`);
    assert.match(encryption.encrypt('x'), /^fresh\./);
    assert.deepEqual(encryption.oldKeyIds, ['old']);
    assert.equal(encryption.decrypt((await secretsOf(old)).encryption.encrypt('x')), 'x');
  });
  it('give each built-in client an initial token, the same in all processes, before and after a new key', async () => {
    const one = await secretsOf(old);
    const other = await secretsOf(`${fresh},${old}`);
    const tokens = Object.values(ownClients).map((id) => one.named(id)?.accessToken);
    assert.deepEqual(
      Object.values(ownClients).map((id) => other.named(id)?.accessToken),
      tokens,
    );
    assert.equal(new Set(tokens).size, tokens.length);
    assert.ok(Object.values(ownClients).every((id) => one.named(id)?.keepsToken));
  });
  it('have the clients and tokens of the configuration', async () => {
    const root = { clientId: ownClients.root, accessToken: 'r'.repeat(44) };
    const { named, staticClients } = await secretsOf(old, [root, extra]);
    assert.deepEqual(
      [named(root.clientId)?.accessToken, named(root.clientId)?.scopes],
      [root.accessToken, ['*']],
    );
    assert.equal(named(root.clientId)?.keepsToken, false);
    assert.deepEqual(named(extra.clientId), extra);
    assert.equal(staticClients.length, Object.keys(ownClients).length + 1);
  });
});

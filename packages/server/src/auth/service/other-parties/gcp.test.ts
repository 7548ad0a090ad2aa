import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { gcpVerbs } from './gcp.ts';
import { type Answer, type FakeParty, fakeParty, type Got } from './testing.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const credentials = {
  client_email: 'giver@project.iam.gserviceaccount.com',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};
const account = 'worker@project.iam.gserviceaccount.com';
const gone = 'gone@project.iam.gserviceaccount.com';
const token = { accessToken: 'ya29.token', expireTime: '2030-01-01T00:00:00Z' };

const isSigned = ({ headers }: Got): boolean => {
  const [head = '', claims = '', signature = ''] = (headers.authorization ?? '')
    .replace('Bearer ', '')
    .split('.');
  const { iss, scope } = JSON.parse(String(Buffer.from(claims, 'base64url')) || '{}');
  return (
    verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')) &&
    iss === credentials.client_email &&
    scope === 'https://www.googleapis.com/auth/cloud-platform'
  );
};

/** The IAM credentials API: it knows one account, and accepts only requests that the configured key has signed. */
const answerAsGoogle = (got: Got): Answer => {
  if (!isSigned(got)) return { status: 401, body: { error: { message: 'not signed' } } };
  const known = `/v1/projects/-/serviceAccounts/${encodeURIComponent(account)}:generateAccessToken`;
  if (got.method !== 'POST' || got.path !== known)
    return { status: 404, body: { error: { message: 'no account' } } };
  assert.deepEqual(JSON.parse(got.body), {
    scope: ['https://www.googleapis.com/auth/cloud-platform'],
    lifetime: '3600s',
  });
  return { status: 200, body: token };
};

describe('tokens of GCP service accounts', () => {
  let google: FakeParty;
  let verbs: ReturnType<typeof gcpVerbs>;
  const wanted = { projectId: 'project', serviceAccount: account };
  before(async () => {
    google = await fakeParty(answerAsGoogle);
    const project = { credentials, allowedServiceAccounts: [account, gone] };
    verbs = gcpVerbs({ projects: { project }, url: google.url });
  });
  after(() => google.close());

  it('come from the IAM credentials API', async () => {
    assert.deepEqual(await verbs.gcpCredentials(wanted), token);
  });
  it('are given only for configured projects and accounts', async () => {
    for (const other of [
      { projectId: 'other' },
      { projectId: 'constructor' },
      { serviceAccount: 'other@x' },
    ]) {
      await assert.rejects(verbs.gcpCredentials({ ...wanted, ...other }), { code: 'ResourceNotFound' });
    }
  });
  it('fail with the message of Google', async () => {
    await assert.rejects(verbs.gcpCredentials({ ...wanted, serviceAccount: gone }), /404: no account/);
  });
  it('say what to configure when nothing is configured', async () => {
    await assert.rejects(gcpVerbs(undefined).gcpCredentials(wanted), {
      code: 'ResourceNotFound',
      message: /gcp\.projects/,
    });
  });
});

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { manualClock } from '../../../base/index.ts';
import { Reply } from '../../../http/index.ts';
import { awsVerbs, policyFor } from './aws.ts';
import { type Answer, type FakeParty, fakeParty, type Got } from './testing.ts';

const key = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a secret of the test' };

const hmac = (secret: string | Buffer, text: string): Buffer =>
  createHmac('sha256', secret).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The header that AWS's Signature Version 4 requires, computed from the request. */
const expectedAuthorization = ({ method, path, headers, body }: Got): string => {
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const date = String(headers['x-amz-date']);
  const scope = `${date.slice(0, 8)}/us-east-1/sts/aws4_request`;
  const lines = signed.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = [method, path, '', lines.join(''), signed, sha256(body)].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const signing = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${key.secretAccessKey}`);
  const signature = hmac(signing, text).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
};

const expiration = '2030-01-01T00:00:00.000Z';
const xml = (text: string) => ({ headers: { 'content-type': 'text/xml' }, body: text });
const errorReply = (status: number, code: string): Answer => ({
  status,
  ...xml(
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
  ),
});

/** The token service: it accepts only requests that the key has signed, and policies of the size that AWS allows. */
const answerAsSts =
  (asked: URLSearchParams[]) =>
  (got: Got): Answer => {
    if (got.headers.authorization !== expectedAuthorization(got))
      return errorReply(403, 'SignatureDoesNotMatch');
    const query = new URLSearchParams(got.body);
    if (query.get('Action') !== 'GetFederationToken' || query.get('Version') !== '2011-06-15') {
      return errorReply(400, 'InvalidAction');
    }
    if ((query.get('Policy') ?? '').length > 2048) return errorReply(400, 'PackedPolicyTooLarge');
    asked.push(query);
    return {
      status: 200,
      ...xml(
        '<GetFederationTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetFederationTokenResult>' +
          '<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>' +
          `<SessionToken>session</SessionToken><Expiration>${expiration}</Expiration></Credentials>` +
          '</GetFederationTokenResult></GetFederationTokenResponse>',
      ),
    };
  };

describe('credentials for S3', () => {
  const asked: URLSearchParams[] = [];
  const clock = manualClock();
  const authorize = () => {};
  const wanted = { level: 'read-write', bucket: 'bucket-1', prefix: 'some/where/' };
  let sts: FakeParty;
  let verbs: ReturnType<typeof awsVerbs>;
  before(async () => {
    sts = await fakeParty(answerAsSts(asked));
    verbs = awsVerbs(clock, { buckets: [{ ...key, buckets: ['bucket-0', 'bucket-1'] }], stsUrl: sts.url });
  });
  after(() => sts.close());

  it('come from STS, for an hour, with a policy for what was asked for', async () => {
    assert.deepEqual(await verbs.awsS3Credentials({ authorize }, wanted), {
      credentials: { accessKeyId: 'ASIA', secretAccessKey: 's3cret', sessionToken: 'session' },
      expires: expiration,
    });
    const query = asked.at(-1);
    assert.equal(query?.get('DurationSeconds'), '3600');
    assert.deepEqual(JSON.parse(query?.get('Policy') ?? ''), policyFor(wanted));
  });
  it('come in the format of instances when that is asked for', async () => {
    const reply = await verbs.awsS3Credentials({ authorize }, { ...wanted, format: 'iam-role-compat' });
    assert.ok(reply instanceof Reply);
    assert.deepEqual(reply.body, {
      Code: 'Success',
      Type: 'AWS-HMAC',
      LastUpdated: clock.now().toJSON(),
      AccessKeyId: 'ASIA',
      SecretAccessKey: 's3cret',
      Token: 'session',
      Expiration: expiration,
    });
  });
  it('are not given for a bucket that no key is for', async () => {
    const other = { ...wanted, bucket: 'bucket-2' };
    await assert.rejects(verbs.awsS3Credentials({ authorize }, other), { code: 'ResourceNotFound' });
  });
  it('are requested only for callers with the scopes', async () => {
    const before = asked.length;
    const refuse = () => {
      throw new Error('no');
    };
    await assert.rejects(verbs.awsS3Credentials({ authorize: refuse }, wanted), /no/);
    assert.equal(asked.length, before);
  });
  it('are refused for a prefix that makes the policy too large', async () => {
    const long = { ...wanted, prefix: 'x'.repeat(1500) };
    await assert.rejects(verbs.awsS3Credentials({ authorize }, long), {
      code: 'InputError',
      message: /prefix/,
    });
  });
  it('fail with the error of AWS when it does not know the key', async () => {
    const buckets = [{ ...key, secretAccessKey: 'wrong', buckets: ['bucket-1'] }];
    const stranger = awsVerbs(clock, { buckets, stsUrl: sts.url });
    await assert.rejects(stranger.awsS3Credentials({ authorize }, wanted), { name: 'SignatureDoesNotMatch' });
  });
});

describe('the policy', () => {
  const actionsOf = (level: string) => {
    const policy = policyFor({ level, bucket: 'b', prefix: 'p/' }) as { Statement: { Action: string[] }[] };
    return policy.Statement.map(({ Action }) => Action);
  };
  it('allows reading, or reading, writing and deleting', () => {
    const listing = [['s3:ListBucket'], ['s3:GetBucketLocation']];
    assert.deepEqual(actionsOf('read-only'), [['s3:GetObject'], ...listing]);
    assert.deepEqual(actionsOf('read-write'), [
      ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      ...listing,
    ]);
  });
  it('escapes wildcards and variables in the prefix', () => {
    const policy = JSON.stringify(policyFor({ level: 'read-only', bucket: 'b', prefix: 'a*b?$c' }));
    assert.match(policy, /"arn:aws:s3:::b\/a\$\{\*\}b\$\{\?\}\$\{\$\}c\*"/);
    assert.match(policy, /\{"s3:prefix":\["a\$\{\*\}b\$\{\?\}\$\{\$\}c\*"\]\}/);
  });
});

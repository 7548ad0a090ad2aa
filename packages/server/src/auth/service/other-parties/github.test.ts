import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { manualClock } from '../../../base/index.ts';
import { githubVerbs } from './github.ts';
import { type Answer, type FakeParty, fakeParty, type Got } from './testing.ts';

const clock = manualClock();
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const apps = {
  robot: { appId: 77, privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() },
};

const isSigned = ({ headers }: Got): boolean => {
  const [head = '', claims = '', signature = ''] = (headers.authorization ?? '')
    .replace('Bearer ', '')
    .split('.');
  const { iss, exp } = JSON.parse(String(Buffer.from(claims, 'base64url')) || '{}');
  return (
    verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url')) &&
    iss === 77 &&
    exp > clock.now().getTime() / 1000
  );
};

/** GitHub: the app is installed for an organization and for a person; another owner was renamed. */
const answerAsGithub =
  ({ tokens }: { tokens: Answer }) =>
  (got: Got): Answer => {
    if (!isSigned(got)) return { status: 401, body: { message: 'Bad credentials' } };
    const installed: Record<string, Answer> = {
      'GET /orgs/company/installation': { status: 200, body: { id: 1, account: { login: 'Company' } } },
      'GET /users/person/installation': { status: 200, body: { id: 2, account: { login: 'person' } } },
      'GET /orgs/formerly/installation': { status: 200, body: { id: 3, account: { login: 'now' } } },
      'POST /app/installations/1/access_tokens': tokens,
      'POST /app/installations/2/access_tokens': tokens,
    };
    const answer = installed[`${got.method} ${got.path}`] ?? { status: 404, body: { message: 'Not Found' } };
    return answer === tokens && answer.status === 201
      ? { ...answer, body: { ...(answer.body as object), token: `for ${got.path} ${got.body}` } }
      : answer;
  };

describe('tokens for GitHub repositories', () => {
  const good: Answer = { status: 201, body: { expires_at: '2030-01-01T00:00:00Z' } };
  const state = { tokens: good };
  let github: FakeParty;
  let verbs: ReturnType<typeof githubVerbs>;
  const authorize = () => {};
  const wanted = {
    appName: 'robot',
    owner: 'Company',
    repositories: ['Repo'],
    permissions: { contents: 'write', issues: 'read' },
  };
  const body = '{"repositories":["repo"],"permissions":{"contents":"write","issues":"read"}}';
  before(async () => {
    github = await fakeParty((got) => answerAsGithub(state)(got));
    verbs = githubVerbs(clock, { apps, url: github.url });
  });
  beforeEach(() => {
    state.tokens = good;
  });
  after(() => github.close());

  it('are for exactly these repositories and permissions, of an organization or a person', async () => {
    assert.deepEqual(await verbs.githubRepoToken({ authorize }, wanted), {
      token: `for /app/installations/1/access_tokens ${body}`,
      expires: '2030-01-01T00:00:00Z',
    });
    const { token } = await verbs.githubRepoToken({ authorize }, { ...wanted, owner: 'person' });
    assert.equal(token, `for /app/installations/2/access_tokens ${body}`);
  });
  it('need a scope for each permission and repository, in lower case', async () => {
    const asked: unknown[] = [];
    await verbs.githubRepoToken({ authorize: (values: object) => asked.push(values) }, wanted);
    assert.deepEqual(asked, [
      { appName: 'robot', owner: 'company', repoPerms: ['repo:contents:write', 'repo:issues:read'] },
    ]);
  });
  it('are not given for an unknown app, nor where the app is not installed', async () => {
    for (const other of [{ appName: 'other' }, { appName: 'toString' }, { owner: 'stranger' }]) {
      const refused = verbs.githubRepoToken({ authorize }, { ...wanted, ...other });
      await assert.rejects(refused, { code: 'ResourceNotFound' });
    }
  });
  it('are not given for an owner who was renamed', async () => {
    const refused = verbs.githubRepoToken({ authorize }, { ...wanted, owner: 'formerly' });
    await assert.rejects(refused, { code: 'InputError', message: /'now'/ });
  });
  it('are refused as GitHub refuses them', async () => {
    const cases: [Answer, object][] = [
      [
        { status: 422, body: { message: 'no such permission' } },
        { code: 'InputError', message: /no such/ },
      ],
      [{ status: 429 }, { code: 'TooManyRequests' }],
      [{ status: 403, headers: { 'retry-after': '5' } }, { code: 'TooManyRequests' }],
      [{ status: 403, body: { message: 'a secondary rate limit' } }, { code: 'TooManyRequests' }],
      [{ status: 403, body: { message: 'forbidden' } }, { message: /GitHub answered 403: forbidden/ }],
      [{ status: 500 }, { message: /GitHub answered 500/ }],
    ];
    for (const [answer, error] of cases) {
      state.tokens = answer;
      await assert.rejects(verbs.githubRepoToken({ authorize }, wanted), error);
    }
  });
  it('say what to configure when nothing is configured', async () => {
    const refused = githubVerbs(clock, undefined).githubRepoToken({ authorize }, wanted);
    await assert.rejects(refused, { code: 'ResourceNotFound', message: /github\.apps/ });
  });
});

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { minutes } from '../base/index.ts';
import { githubProvider } from './identity-providers/github.ts';
import { type FakePerson, startFakeGithub } from './identity-providers/testing/fake-providers.ts';
import { type SessionSettings, testSessions } from './testing.ts';

const endings: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of endings.reverse()) await end();
});

/** Sessions of a server at which people sign in by a fake GitHub. */
const opened = async (person: FakePerson, settings: SessionSettings = {}) => {
  const fake = await startFakeGithub(person);
  const provider = githubProvider({
    clientId: 'app',
    clientSecret: 'a-secret-of-the-test',
    webUrl: fake.origin,
    url: fake.origin,
  });
  const t = await testSessions({ identityProviders: [provider], ...settings });
  endings.push(fake.close, t.close);
  return { fake, t };
};

type Opened = Awaited<ReturnType<typeof opened>>;

/** A browser: it keeps cookies, in the order in which they came. */
const aBrowser = ({ fake, t }: Opened) => {
  const jar = new Map<string, string>();
  const go = async (path: string): Promise<string> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const { location, cookies } = await t.go(path, cookie);
    for (const header of cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      if (value) jar.set(name, value);
      else jar.delete(name);
    }
    return location;
  };
  return {
    jar,
    go,
    /** Goes to GitHub; returns the way back. */
    begin: async (next = '/'): Promise<string> => {
      const at = await go(`sign-in/github?next=${encodeURIComponent(next)}`);
      const back = fake.signIn(new URL(at));
      return `callback/github${back.search}`;
    },
    scopes: async (): Promise<string[]> => {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const { body } = await t.post('credentials', { cookie });
      const { certificate } = body.credentials as { certificate: string };
      return (JSON.parse(certificate) as { scopes: string[] }).scopes;
    },
  };
};

const root = 'http://localhost:8080';
const ada = (): FakePerson => ({ id: 1, name: 'alice', groups: ['builders'] });

/** Signs somebody in; returns their scopes. */
const scopesOf = async (at: Opened): Promise<string[]> => {
  const browser = aBrowser(at);
  await browser.go(await browser.begin());
  return browser.scopes();
};

describe('two-tabs: signing in by an identity provider in several tabs of a browser', () => {
  it('ends in each tab where it began, in whatever order', async () => {
    const browser = aBrowser(await opened(ada()));
    const pages = ['/queues', '/secrets', '/hooks', '/events', '/purge-caches', '/tasks/abc?run=1#L5'];
    const backs: string[] = [];
    for (const page of pages) backs.push(await browser.begin(page));
    for (const i of [3, 0, 5, 1, 4, 2]) assert.equal(await browser.go(backs[i] as string), root + pages[i]);
    assert.equal([...browser.jar.keys()].join(), 'taskyard-8080');
  });

  it('is refused when the same way back is taken again, with a page to begin anew from', async () => {
    const browser = aBrowser(await opened(ada()));
    const back = await browser.begin('/queues');
    const before = new Map(browser.jar);
    await browser.go(back);
    assert.equal(await browser.go(back), `${root}/sign-in?failed=expired`);
    // The same, by a browser that has opened it twice before either was answered.
    for (const [name, value] of before) browser.jar.set(name, value);
    assert.equal(await browser.go(back), `${root}/sign-in?failed=expired&next=%2Fqueues`);
  });

  it('takes bounded room in the browser for what is begun and never ended, and is over after ten minutes', async () => {
    const at = await opened(ada());
    const browser = aBrowser(at);
    const backs: string[] = [];
    for (let i = 0; i < 20; i++) backs.push(await browser.begin('/queues'));
    assert.equal(browser.jar.size, 8);
    assert.equal(await browser.go(backs[11] as string), `${root}/sign-in?failed=expired`);
    assert.equal(await browser.go(backs[12] as string), `${root}/queues`);
    at.t.clock.advance(minutes(10));
    assert.equal(await browser.go(backs[13] as string), `${root}/sign-in?failed=expired&next=%2Fqueues`);
  });
});

describe('renamed-login: names at an identity provider that change hands', () => {
  it('give nobody what was of somebody else, and take nothing from those who had them', async () => {
    const person = ada();
    const at = await opened(person);
    assert.deepEqual(await scopesOf(at), [
      'assume:login-identity:github/1|alice',
      'assume:github-team:house/builders',
    ]);
    Object.assign(person, { id: 2, name: 'alice' });
    assert.deepEqual(await scopesOf(at), [
      'assume:login-identity:github/2|alice',
      'assume:github-team:house/builders',
    ]);
    // Clients that were made as `github/1|alice/…` are still theirs.
    Object.assign(person, { id: 1, name: 'alicia' });
    assert.deepEqual(await scopesOf(at), [
      'assume:login-identity:github/1|alicia',
      'assume:login-identity:github/1|alice',
      'assume:github-team:house/builders',
    ]);
  });

  it('count for the organization that had them first, whatever their capitals, unless the operator says otherwise', async () => {
    const person = ada();
    const at = await opened(person);
    await scopesOf(at);
    person.organization = { id: 2, login: 'House' };
    assert.deepEqual(await scopesOf(at), ['assume:login-identity:github/1|alice']);
    // The first one has another name now.
    person.organization = { id: 1, login: 'home' };
    assert.ok((await scopesOf(at)).includes('assume:github-team:home/builders'));
    // Every object inherits something of this name.
    person.organization = { id: 1, login: 'constructor' };
    assert.ok((await scopesOf(at)).includes('assume:github-team:constructor/builders'));
    person.organization = { id: 1, login: 'house' };
    assert.ok((await scopesOf(at)).includes('assume:github-team:house/builders'));

    const settled = await opened(person, { organizations: { house: '2' } });
    assert.deepEqual(await scopesOf(settled), ['assume:login-identity:github/1|alice']);
    person.organization = { id: 2, login: 'House' };
    assert.ok((await scopesOf(settled)).includes('assume:github-team:House/builders'));
  });

  it('come with no more than five that somebody had before', async () => {
    const person = ada();
    const at = await opened(person);
    for (let i = 0; i < 8; i++) {
      at.t.clock.advance(minutes(1));
      person.name = `alice-${i}`;
      await scopesOf(at);
    }
    const identities = (await scopesOf(at)).filter((scope) => scope.startsWith('assume:login-identity:'));
    assert.deepEqual(
      identities,
      [7, 6, 5, 4, 3, 2].map((i) => `assume:login-identity:github/1|alice-${i}`),
    );
  });
});

describe('back-to-the-page: the way back from signing in', () => {
  it('leads to pages of ours, with query and mark, and from everything else to the first page', async () => {
    const browser = aBrowser(await opened(ada()));
    const cases: [string, string][] = [
      ['/tasks/Fs9/runs/0/logs/public/logs/live.log?q=a%20b#L12-L40', ''],
      ['/sign-in/command-line?port=4711&state=x', ''],
      ['/docs/guides/hooks#schedules', ''],
      ['/', '/'],
      ['/sign-in', '/'],
      ['https://evil.example.com/queues', '/'],
      ['//evil.example.com/queues', '/'],
      ['/\\evil.example.com/queues', '/'],
      ['javascript:alert(1)', '/'],
      ['/api/auth/v1/ping', '/'],
      ['/tasks/../api/auth/v1/ping', '/'],
      ['/schemas/common/x.json', '/'],
      ['/nowhere', '/'],
    ];
    for (const [next, expected] of cases)
      assert.equal(await browser.go(await browser.begin(next)), root + (expected || next), next);
  });
});

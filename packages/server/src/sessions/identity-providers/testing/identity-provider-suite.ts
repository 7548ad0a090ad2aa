import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { slugid } from '../../../base/index.ts';
import { type Attempt, type IdentityProvider, NotProven } from '../identity-provider.ts';
import type { FakePerson, FakeProvider } from './fake-providers.ts';

/** An identity provider, and the fake that it asks. */
export interface OpenedIdentityProvider {
  readonly provider: IdentityProvider;
  readonly fake: FakeProvider;
  /** The role of a group of the person. */
  roleOf(group: string): string;
}

const person: FakePerson = { id: 'ada-1', name: 'Ada L.', groups: ['builders', 'a*'] };
const callback = 'https://taskyard.example.com/api/sessions/v1/callback/some';

const anAttempt = (): Attempt => ({ state: slugid(), nonce: slugid(), codeVerifier: slugid() + slugid() });

/** What every identity provider must do for a browser that signs in, and for one that only pretends to. */
export const identityProviderSuite = (
  name: string,
  open: (person: FakePerson) => Promise<OpenedIdentityProvider>,
): void => {
  describe(`an identity provider (${name})`, () => {
    let opened: OpenedIdentityProvider;
    before(async () => {
      opened = await open(person);
    });
    after(() => opened.fake.close());

    it('has a name for addresses, and one for people', () => {
      assert.equal(opened.provider.name, name);
      assert.ok(opened.provider.title.length > 0);
    });

    it('sends a browser to its page, with a state and a challenge of this attempt alone', async () => {
      const attempt = anAttempt();
      const url = await opened.provider.begin(callback, attempt);
      assert.equal(url.origin, opened.fake.origin);
      const asked = url.searchParams;
      assert.equal(asked.get('redirect_uri'), callback);
      assert.equal(asked.get('state'), attempt.state);
      assert.equal(asked.get('code_challenge_method'), 'S256');
      const challenge = createHash('sha256').update(attempt.codeVerifier).digest('base64url');
      assert.equal(asked.get('code_challenge'), challenge);
      assert.ok(!url.href.includes(attempt.codeVerifier));
    });

    it('tells who has returned, with their groups, none of which can be taken for another', async () => {
      const attempt = anAttempt();
      const returned = opened.fake.signIn(await opened.provider.begin(callback, attempt));
      const { id, name: itsName, roles } = await opened.provider.finish(returned, attempt);
      assert.deepEqual([id, itsName], ['ada-1', 'Ada L.']);
      assert.deepEqual(
        roles.map(({ roleId }) => roleId),
        [opened.roleOf('builders'), opened.roleOf('a!2A')],
      );
    });

    it('takes a code once', async () => {
      const attempt = anAttempt();
      const returned = opened.fake.signIn(await opened.provider.begin(callback, attempt));
      await opened.provider.finish(returned, attempt);
      await assert.rejects(opened.provider.finish(returned, attempt), NotProven);
    });

    it('believes no browser that brings the code of another attempt, a refusal or nothing', async () => {
      const [mine, other] = [anAttempt(), anAttempt()];
      const returned = opened.fake.signIn(await opened.provider.begin(callback, other));
      await assert.rejects(opened.provider.finish(returned, mine));
      const swapped = opened.fake.signIn(await opened.provider.begin(callback, other));
      swapped.searchParams.set('state', mine.state);
      await assert.rejects(opened.provider.finish(swapped, mine));
      const refused = new URL(`${callback}?error=access_denied&state=${mine.state}`);
      await assert.rejects(opened.provider.finish(refused, mine));
      await assert.rejects(opened.provider.finish(new URL(callback), mine));
    });
  });
};

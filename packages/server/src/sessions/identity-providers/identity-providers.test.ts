import { githubProvider } from './github.ts';
import { oidcProvider } from './oidc.ts';
import { startFakeGithub, startFakeOidc } from './testing/fake-providers.ts';
import { identityProviderSuite } from './testing/identity-provider-suite.ts';

const client = { clientId: 'taskyard', clientSecret: 'a-secret-of-the-test' };

identityProviderSuite('oidc', async (person) => {
  const fake = await startFakeOidc(person, client.clientId);
  const provider = oidcProvider({
    ...client,
    name: 'oidc',
    title: 'Example House',
    issuer: fake.origin,
    scope: 'openid',
    groupsClaim: 'groups',
  });
  return { provider, fake, roleOf: (group) => `oidc-group:${group}` };
});

identityProviderSuite('github', async (person) => {
  const fake = await startFakeGithub(person);
  const provider = githubProvider({ ...client, webUrl: fake.origin, url: fake.origin });
  return { provider, fake, roleOf: (group) => `github-team:house/${group}` };
});

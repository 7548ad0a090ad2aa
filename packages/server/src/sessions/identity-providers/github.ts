import type { Configuration } from 'openid-client';
import { asPart, type IdentityProvider, type Organization, type PersonRole } from './identity-provider.ts';
import { proven } from './proven.ts';

/** An OAuth app of GitHub. */
export interface GithubSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  /** `https://github.com`, or where an enterprise has its own. */
  readonly webUrl: string;
  /** Its REST API. */
  readonly url: string;
}

const library = () => import('openid-client');
const pageSize = 100;
/** The most pages of memberships that count, so that the credentials of a person fit into a header. */
const pagesMax = 5;
const timeoutMs = 10_000;

const reader = ({ url }: GithubSettings, accessToken: string) => {
  const read = async <T>(path: string): Promise<T> => {
    const reply = await fetch(`${url.replace(/\/$/, '')}${path}`, {
      headers: { authorization: `Bearer ${accessToken}`, accept: 'application/vnd.github+json' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!reply.ok) throw new Error(`GitHub answers ${reply.status} to ${path}`);
    return (await reply.json()) as T;
  };
  const readAll = async <T>(path: string): Promise<T[]> => {
    const found: T[] = [];
    for (let page = 1; page <= pagesMax; page++) {
      const items = await read<T[]>(
        `${path}${path.includes('?') ? '&' : '?'}per_page=${pageSize}&page=${page}`,
      );
      found.push(...items);
      if (items.length < pageSize) break;
    }
    return found;
  };
  return { read, readAll };
};

interface Account {
  readonly id: number;
  readonly login: string;
}
interface Membership {
  readonly role: string;
  readonly organization: Account;
}
interface Team {
  readonly slug: string;
  readonly organization: Account;
}

const organizationOf = ({ id, login }: Account): Organization => ({ id: String(id), name: login });

const teamRole = ({ organization, slug }: Team): PersonRole => ({
  roleId: `github-team:${asPart(organization.login)}/${asPart(slug)}`,
  organization: organizationOf(organization),
});
const adminRole = ({ organization }: Membership): PersonRole => ({
  roleId: `github-org-admin:${asPart(organization.login)}`,
  organization: organizationOf(organization),
});

/** People with an account at GitHub; their roles are the original's: of organizations that they own, and of teams. */
export const githubProvider = (settings: GithubSettings): IdentityProvider => {
  const { webUrl, clientId, clientSecret } = settings;
  const base = webUrl.replace(/\/$/, '');
  const configuration = async (): Promise<Configuration> => {
    const { allowInsecureRequests, Configuration, ClientSecretPost } = await library();
    const server = {
      issuer: base,
      authorization_endpoint: `${base}/login/oauth/authorize`,
      token_endpoint: `${base}/login/oauth/access_token`,
    };
    const made = new Configuration(server, clientId, clientSecret, ClientSecretPost(clientSecret));
    if (base.startsWith('http:')) allowInsecureRequests(made);
    return made;
  };
  return {
    name: 'github',
    title: 'GitHub',
    begin: async (callback, { state, codeVerifier }) => {
      const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library();
      return buildAuthorizationUrl(await configuration(), {
        redirect_uri: callback,
        scope: 'read:org',
        state,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
    },
    finish: async (returned, { state, codeVerifier }) => {
      const { authorizationCodeGrant } = await library();
      const tokens = await proven(
        authorizationCodeGrant(await configuration(), returned, {
          pkceCodeVerifier: codeVerifier,
          expectedState: state,
        }),
      );
      const { read, readAll } = reader(settings, tokens.access_token);
      const user = await read<Account>('/user');
      const memberships = await readAll<Membership>('/user/memberships/orgs?state=active');
      const teams = await readAll<Team>('/user/teams');
      return {
        id: String(user.id),
        name: user.login,
        roles: [...memberships.filter(({ role }) => role === 'admin').map(adminRole), ...teams.map(teamRole)],
      };
    },
  };
};

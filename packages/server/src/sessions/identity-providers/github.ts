import type { Configuration } from 'openid-client';
import { asPart, type IdentityProvider, identityOf } from './identity-provider.ts';

/** An OAuth app of GitHub. */
export interface GithubSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  /** `https://github.com`, or the URL of a GitHub Enterprise server. */
  readonly webUrl: string;
  /** The URL of its REST API. */
  readonly url: string;
}

const library = () => import('openid-client');
const pageSize = 100;
/** The most roles of a person, so that the credentials fit into a header. */
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

interface Membership {
  readonly role: string;
  readonly organization: { readonly login: string };
}
interface Team {
  readonly slug: string;
  readonly organization: { readonly login: string };
}

/** Signs in people with a GitHub account. As in the original, roles come from organizations that they own, and teams. */
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
      const tokens = await authorizationCodeGrant(await configuration(), returned, {
        pkceCodeVerifier: codeVerifier,
        expectedState: state,
      });
      const { read, readAll } = reader(settings, tokens.access_token);
      const user = await read<{ id: number; login: string }>('/user');
      const memberships = await readAll<Membership>('/user/memberships/orgs?state=active');
      const teams = await readAll<Team>('/user/teams');
      return identityOf('github', {
        id: String(user.id),
        name: user.login,
        roles: [
          ...memberships
            .filter(({ role }) => role === 'admin')
            .map(({ organization }) => `github-org-admin:${asPart(organization.login)}`),
          ...teams.map(
            ({ organization, slug }) => `github-team:${asPart(organization.login)}/${asPart(slug)}`,
          ),
        ],
      });
    },
  };
};

import type { Configuration } from 'openid-client';
import { asPart, type IdentityProvider } from './identity-provider.ts';
import { proven } from './proven.ts';

/** The settings of an OpenID Connect provider. */
export interface OidcSettings {
  readonly name: string;
  readonly title: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
  /** The claim that lists groups. */
  readonly groupsClaim: string;
}

// Loaded at the first sign-in, since most platforms have no such provider.
const library = () => import('openid-client');

const discover = async ({ issuer, clientId, clientSecret }: OidcSettings): Promise<Configuration> => {
  const { allowInsecureRequests, discovery } = await library();
  const url = new URL(issuer);
  const execute = url.protocol === 'http:' ? [allowInsecureRequests] : [];
  return discovery(url, clientId, clientSecret, undefined, { execute });
};

const groupsIn = (claim: unknown): string[] =>
  (Array.isArray(claim) ? claim : []).filter(
    (group): group is string => typeof group === 'string' && group !== '',
  );

/** Slashes in a group's path are kept. */
const groupRole = (provider: string, group: string): string =>
  `${provider}-group:${group.split('/').map(asPart).join('/')}`;

const textIn = (...claims: readonly unknown[]): string | undefined =>
  claims.find((claim): claim is string => typeof claim === 'string' && claim !== '');

/** A provider of OpenID Connect, by the authorization code flow with PKCE, state and nonce. */
export const oidcProvider = (settings: OidcSettings): IdentityProvider => {
  const { name, title, scope, groupsClaim } = settings;
  let known: Promise<Configuration> | undefined;
  const configuration = (): Promise<Configuration> => {
    known ??= discover(settings).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
  return {
    name,
    title,
    begin: async (callback, { state, nonce, codeVerifier }) => {
      const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library();
      return buildAuthorizationUrl(await configuration(), {
        redirect_uri: callback,
        scope,
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
    },
    finish: async (returned, { state, nonce, codeVerifier }) => {
      const { authorizationCodeGrant, fetchUserInfo } = await library();
      const config = await configuration();
      const tokens = await proven(
        authorizationCodeGrant(config, returned, {
          pkceCodeVerifier: codeVerifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        }),
      );
      const claims = tokens.claims();
      if (!claims) throw new Error('The identity provider has sent no id token');
      // Many providers put little into the id token, and the rest here.
      const more = config.serverMetadata().userinfo_endpoint
        ? await fetchUserInfo(config, tokens.access_token, claims.sub)
        : {};
      const all: Readonly<Record<string, unknown>> = { ...more, ...claims };
      return {
        id: claims.sub,
        name: textIn(all.preferred_username, all.email, all.name),
        roles: groupsIn(all[groupsClaim]).map((group) => ({ roleId: groupRole(name, group) })),
      };
    },
  };
};

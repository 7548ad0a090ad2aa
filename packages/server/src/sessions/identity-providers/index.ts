import { type GithubSettings, githubProvider } from './github.ts';
import type { IdentityProvider } from './identity-provider.ts';
import { type OidcSettings, oidcProvider } from './oidc.ts';

export {
  type Attempt,
  type IdentityProvider,
  identityOf,
  NotProven,
  type Organization,
  type Person,
} from './identity-provider.ts';

/** The settings of identity providers. A provider without a configured client does not exist. */
export interface IdentitySettings {
  readonly oidc: Omit<OidcSettings, 'issuer' | 'clientId' | 'clientSecret'> & {
    readonly issuer?: string | undefined;
    readonly clientId?: string | undefined;
    readonly clientSecret?: string | undefined;
  };
  readonly github: {
    readonly oauthClientId?: string | undefined;
    readonly oauthClientSecret?: string | undefined;
    readonly webUrl: string;
    readonly url: string;
  };
}

/** The identity providers that are configured. */
export const identityProviders = ({ oidc, github }: IdentitySettings): IdentityProvider[] => {
  const found: IdentityProvider[] = [];
  const { issuer, clientId, clientSecret } = oidc;
  if (issuer && clientId && clientSecret)
    found.push(oidcProvider({ ...oidc, issuer, clientId, clientSecret }));
  const { oauthClientId, oauthClientSecret, webUrl, url } = github;
  if (oauthClientId && oauthClientSecret) {
    const settings: GithubSettings = {
      clientId: oauthClientId,
      clientSecret: oauthClientSecret,
      webUrl,
      url,
    };
    found.push(githubProvider(settings));
  }
  return found;
};

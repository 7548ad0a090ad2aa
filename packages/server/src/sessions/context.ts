import type { AuthVerbs } from '../auth/index.ts';
import type { BaseContext, Encryption } from '../base/index.ts';
import type { IdentityProvider } from './identity-providers/index.ts';

/** What sessions are opened with. */
export interface Context extends BaseContext {
  readonly encryption: Encryption;
  readonly auth: Pick<AuthVerbs, 'client' | 'credentialsOf' | 'issueCredentials'>;
  /** The providers by which people can sign in without a client. */
  readonly identityProviders: readonly IdentityProvider[];
  rootUrl(): string;
}

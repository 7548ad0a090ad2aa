import type { AuthVerbs } from '../auth/index.ts';
import type { BaseContext, Encryption } from '../base/index.ts';
import type { IdentityProvider } from './identity-providers/index.ts';

/** What sessions are opened with. */
export interface Context extends BaseContext {
  readonly encryption: Encryption;
  readonly auth: Pick<AuthVerbs, 'client' | 'credentialsOf' | 'issueCredentials'>;
  /** The providers by which people can sign in without a client. */
  readonly identityProviders: readonly IdentityProvider[];
  /** Whose names of organizations are, by the ids of these; names that are not here are those of who came first. */
  readonly organizations: Readonly<Record<string, string>>;
  rootUrl(): string;
  /** The page of ours that an address names, with its query and mark; the first page where it names none. */
  pageOf(address: string | undefined): string;
}

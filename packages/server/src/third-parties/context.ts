import type { AuthVerbs } from '../auth/index.ts';
import type { BaseContext } from '../base/index.ts';
import type { SessionVerbs } from '../sessions/index.ts';
import type { RegisteredClient } from './schema.ts';

/** What third parties are opened with. */
export interface Context extends BaseContext {
  readonly auth: Pick<AuthVerbs, 'callerWithRoles' | 'client' | 'createClient' | 'disableClient'>;
  readonly sessions: Pick<SessionVerbs, 'session'>;
  /** The sites that may ask people for credentials. */
  readonly registered: readonly RegisteredClient[];
  rootUrl(): string;
}

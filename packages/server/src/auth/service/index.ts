import type { Origin } from '../hawk.ts';
import { auditVerbs } from './audit.ts';
import { clientVerbs } from './clients.ts';
import { type OtherParties, otherPartyVerbs } from './other-parties/index.ts';
import { roleVerbs } from './roles.ts';
import type { Room } from './room.ts';
import { scopeVerbs } from './scopes.ts';
import { staticClientVerbs } from './static-clients.ts';
import { type UpkeepOptions, upkeepVerbs } from './upkeep.ts';

export { type OtherParties, projectsPerPage } from './other-parties/index.ts';
export type { Outbox } from './room.ts';
export type { StaticClient } from './static-clients.ts';

export interface AuthOptions extends OtherParties, UpkeepOptions {
  /** Names and ports of this server that callers may use, besides what the Host header says. */
  readonly origins?: readonly Origin[] | undefined;
  /** Whether a proxy in front of this server sets X-Forwarded-* headers; otherwise anybody could, and none counts. */
  readonly trustsProxy?: boolean | undefined;
  /** Whether temporary credentials of this name hold no more, whatever their certificate says. */
  readonly isRevoked?: ((clientId: string) => boolean) | undefined;
}

export type AuthVerbs = ReturnType<typeof authVerbs>;

/** All verbs of auth. */
export const authVerbs = (room: Room, options: AuthOptions) => ({
  ...scopeVerbs(room, options),
  ...clientVerbs(room),
  ...roleVerbs(room),
  ...auditVerbs(room),
  ...otherPartyVerbs(room, options),
  ...staticClientVerbs(room),
  ...upkeepVerbs(room, options),
});

import type { Origin } from '../hawk.ts';
import { auditVerbs } from './audit.ts';
import { clientVerbs } from './clients.ts';
import { type OtherParties, otherPartyVerbs } from './other-parties.ts';
import { roleVerbs } from './roles.ts';
import type { Room } from './room.ts';
import { scopeVerbs } from './scopes.ts';

export type { StaticClient } from './clients.ts';
export type { OtherParties } from './other-parties.ts';
export type { Outbox } from './room.ts';

export interface AuthOptions extends OtherParties {
  /** Names and ports of this server that callers may use, besides what the Host header says. */
  readonly origins?: readonly Origin[] | undefined;
}

export type AuthVerbs = ReturnType<typeof authVerbs>;

/** All verbs of auth. */
export const authVerbs = (room: Room, options: AuthOptions) => ({
  ...scopeVerbs(room, options.origins ?? []),
  ...clientVerbs(room),
  ...roleVerbs(room),
  ...auditVerbs(room),
  ...otherPartyVerbs(room, options),
});

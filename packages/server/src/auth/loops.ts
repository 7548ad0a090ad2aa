import { hours, type Loop, minutes } from '../base/index.ts';
import { type AuthVerbs, projectsPerPage } from './service/index.ts';

type Upkeep = Pick<AuthVerbs, 'deleteExpired' | 'renewEncryption' | 'purgeAuditHistory' | 'purgeSentryKeys'>;

/** The background work of auth. */
export const authLoops = (verbs: Upkeep): Loop[] => [
  { name: 'delete-expired-clients', everyMs: hours(1), limit: 100, step: verbs.deleteExpired },
  { name: 'renew-encryption', everyMs: minutes(10), limit: 100, step: verbs.renewEncryption },
  { name: 'purge-audit-history', everyMs: hours(1), limit: 1000, step: verbs.purgeAuditHistory },
  { name: 'purge-sentry-keys', everyMs: hours(1), limit: projectsPerPage, step: verbs.purgeSentryKeys },
];

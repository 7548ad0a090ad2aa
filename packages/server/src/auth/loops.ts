import { hours, type Loop } from '../base/index.ts';
import type { AuthVerbs } from './service/index.ts';

/** The background work of auth. */
export const authLoops = (verbs: Pick<AuthVerbs, 'deleteExpired'>): Loop[] => [
  { name: 'delete-expired-clients', everyMs: hours(1), limit: 100, step: verbs.deleteExpired },
];

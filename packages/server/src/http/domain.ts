import type { Loop } from '../base/index.ts';
import type { Route } from './contract.ts';

/** What each domain provides to the application. `app.ts` is a list of domains. */
export interface Domain<Verbs extends object = object> {
  /** Its verbs and queries, bound to its context: for its own routes and for the floors above. */
  readonly verbs: Verbs;
  /** Its API methods, as its declaration publishes them. Their handlers get the verbs of all domains, by name. */
  readonly routes: readonly Route<never>[];
  /** Background work that any number of processes may do. */
  readonly loops: readonly Loop[];
  /** Background work of each process that serves the API: it refreshes what that process keeps in memory. */
  readonly loopsOfEachProcess?: readonly Loop[];
  /** Prepares it for its first request. Lower domains start first. */
  start?(): Promise<void>;
  /** Replies to all waiting calls. From then on no call waits. */
  drain?(): Promise<void>;
  /** Writes what is left to write and closes what is open. Called after the loops have ended and the last call has returned. */
  close?(): Promise<void>;
}

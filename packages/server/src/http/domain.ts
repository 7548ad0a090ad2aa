import type { Loop } from '../base/index.ts';
import type { Route } from './contract.ts';

/** What each domain gives to the application that joins them: `app.ts` is a list of these. */
export interface Domain<Verbs extends object = object> {
  /** What it does, bound to what it was opened with: for its own routes, and for the floors above. */
  readonly verbs: Verbs;
  /** Its methods, as its declaration publishes them. Their handlers are given the verbs of all domains, by name. */
  readonly routes: readonly Route<never>[];
  /** Background work that any number of processes may do. */
  readonly loops: readonly Loop[];
  /** Background work of each process that serves the API: it keeps up what that process holds in memory. */
  readonly loopsOfEachProcess?: readonly Loop[];
  /** Makes it ready for its first request. Lower domains go first. */
  start?(): Promise<void>;
  /** Answers all who wait; nobody is kept waiting from then on. */
  drain?(): Promise<void>;
  /** Writes what is left to write and lets go of what is open, once the loops have ended and nobody calls any more. */
  close?(): Promise<void>;
}

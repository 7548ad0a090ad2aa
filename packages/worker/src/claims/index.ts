export { type HeldClaim, holdClaim } from './held-claim.ts';
export { localClaim } from './local-claim.ts';
export { type LostRuns, openLostRuns } from './lost-runs.ts';

export { type HeldClaim, holdClaim } from './held-claim.ts';

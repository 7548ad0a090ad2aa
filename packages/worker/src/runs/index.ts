export { type HeldClaim, holdClaim } from './held-claim.ts';
export type { Endings, WorkerIdentity, WorkerTools } from './run.ts';
export { runTask } from './run-task.ts';

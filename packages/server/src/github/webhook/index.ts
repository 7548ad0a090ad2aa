export {
  branchOf,
  type CommentPayload,
  type Event,
  eventTypeOf,
  type PullRequestPayload,
  type PushPayload,
  type ReleasePayload,
  tasksForOf,
} from './payloads.ts';
export { type Restored, readEvent } from './read.ts';
export { SignatureProof } from './signature.ts';

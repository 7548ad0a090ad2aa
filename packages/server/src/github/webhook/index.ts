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
export { readEvent } from './read.ts';
export { hasSignature, isSigned } from './signature.ts';

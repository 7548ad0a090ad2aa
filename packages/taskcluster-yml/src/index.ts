export { type Details, detailsOf } from './details.ts';
export { type MadeUp, madeUpComment, madeUpPullRequest, madeUpPush, madeUpRelease } from './made-up.ts';
export { policyOf, policyWithoutFile } from './policy.ts';
export { hookPayload, renderTaskclusterYml } from './render-file.ts';
export { schedulerId, scopesFor } from './scopes.ts';
export { commandOf, skipReason } from './skip.ts';
export type {
  EventContext,
  NamedHook,
  Policy,
  Refused,
  RenderedTask,
  Rendering,
  RenderRequest,
  YmlFile,
} from './types.ts';

export { noteExpectation } from './body-limits.ts';
export {
  type Authorize,
  type BodyProof,
  type Caller,
  type Contract,
  type ExchangeDeclaration,
  JsonText,
  type Parameter,
  type PublishedSchema,
  publish,
  type ReferenceDocument,
  Reply,
  type RequestHead,
  type Route,
  type RoutingKeyWord,
  redirectTo,
  routeFor,
  type ScopeExpression,
  type ScopeTemplate,
  type ServiceDeclaration,
  type SignedRequest,
} from './contract.ts';
export { serveDocuments } from './documents.ts';
export type { Domain } from './domain.ts';
export { acceptsGzip } from './encodings.ts';
export { apiHeaders } from './headers.ts';
export { headerBytesMax, scopesBytesMax } from './limits.ts';
export type { ProcessFacts } from './monitoring.ts';
export { type PageQuery, pageLimit, pagesOf } from './pagination.ts';
export {
  identifierPattern,
  pagination,
  parameters,
  printableAsciiPattern,
  slugidPattern,
  taskQueueIdPattern,
} from './patterns.ts';
export { exchangeNames, referenceDocuments } from './references.ts';
export { type CredentialsOutcome, type ObserveCall, serve } from './serve.ts';
export {
  anyObject,
  ContentType,
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  Identifier,
  oneOf,
  PrintableName,
  ProjectId,
  ProvisionerId,
  RunId,
  Slugid,
  TaskQueueId,
  WorkerType,
} from './shapes.ts';
export { readRestOfBodies } from './unread-body.ts';
export { refuseUnreadable } from './unreadable.ts';
export { takeUpgrades, type Upgrade } from './upgrades.ts';
export { mistakesIn, schemaPath } from './validation.ts';

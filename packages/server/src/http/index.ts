export { noteExpectation } from './body-limits.ts';
export * from './contract.ts';
export { serveDocuments } from './documents.ts';
export { acceptsGzip } from './encodings.ts';
export { apiHeaders } from './headers.ts';
export { headerBytesMax, scopesBytesMax } from './limits.ts';
export type { ProcessFacts } from './monitoring.ts';
export { type Page, pageLimit, pagesOf } from './pagination.ts';
export {
  identifierPattern,
  pagination,
  parameters,
  printableAsciiPattern,
  slugidPattern,
  taskQueueIdPattern,
} from './patterns.ts';
export { exchangeNames, type ReferenceDocument, referenceDocuments } from './references.ts';
export { type ObserveCall, type ServeDeps, serve } from './serve.ts';
export * from './shapes.ts';
export { readRestOfBodies } from './unread-body.ts';
export { mistakesIn, schemaPath } from './validation.ts';

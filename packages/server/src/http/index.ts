export { noteExpectation } from './body-limits.ts';
export * from './contract.ts';
export { serveDocuments } from './documents.ts';
export { apiHeaders } from './headers.ts';
export type { ProcessFacts } from './monitoring.ts';
export { countIn, keyIn, keyInOrStart, type Page, pageLimit, pageOf } from './pagination.ts';
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
export { mistakesIn, schemaPath, storableDate } from './validation.ts';

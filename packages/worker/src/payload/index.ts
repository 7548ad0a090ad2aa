export { type PayloadContext, type PayloadReading, readGenericWorkerPayload } from './read-generic-worker.ts';
export { GenericWorkerPayload } from './schema.ts';
export * from './task-description.ts';

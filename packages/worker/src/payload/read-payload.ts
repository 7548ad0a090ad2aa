import type { PayloadContext, PayloadReading } from './payload-context.ts';
import { readDockerWorkerPayload } from './read-docker-worker.ts';
import { readGenericWorkerPayload } from './read-generic-worker.ts';

// Only docker-worker's format has these; one of them is enough to hear of its own mistakes.
const dockerWorkerFields = ['image', 'cache', 'capabilities', 'log'];

const isDockerWorkerPayload = (payload: unknown): boolean =>
  typeof payload === 'object' && payload !== null && dockerWorkerFields.some((field) => field in payload);

/** Reads a payload in the format that its fields are of. */
export const readPayload = (payload: unknown, context: PayloadContext): PayloadReading =>
  isDockerWorkerPayload(payload)
    ? readDockerWorkerPayload(payload, context)
    : readGenericWorkerPayload(payload, context);

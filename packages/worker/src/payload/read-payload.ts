import type { PayloadContext, PayloadReading } from './payload-context.ts';
import type { PayloadReader } from './payload-reader.ts';
import { dockerWorkerReader } from './read-docker-worker.ts';
import { genericWorkerReader } from './read-generic-worker.ts';

/** The formats. The first one that a payload belongs to counts; the last one reports on payloads of none. */
const readers: readonly PayloadReader[] = [dockerWorkerReader, genericWorkerReader];

/** Reads a payload in the format that its fields belong to. */
export const readPayload = (payload: unknown, context: PayloadContext): PayloadReading => {
  const isObject = typeof payload === 'object' && payload !== null;
  const found = isObject ? readers.find((reader) => reader.isFor(payload)) : undefined;
  return (found ?? genericWorkerReader).read(payload, context);
};

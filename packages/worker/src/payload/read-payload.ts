import type { PayloadContext, PayloadReading } from './payload-context.ts';
import type { PayloadReader } from './payload-reader.ts';
import type { PayloadFormat } from './published-schema.ts';
import { dockerWorkerReader } from './read-docker-worker.ts';
import { genericWorkerReader } from './read-generic-worker.ts';

/** The formats. The first one that a payload belongs to counts; the last one reports on payloads of none. */
const readers: readonly PayloadReader[] = [dockerWorkerReader, genericWorkerReader];

/** Whether the fields of a payload are those of one that runs in an image of its own. */
export const namesImage = (payload: unknown): boolean =>
  typeof payload === 'object' && payload !== null && dockerWorkerReader.isFor(payload);

/** Reads a payload in the format that its fields belong to, which is named beside the mistakes. */
export const readPayload = (
  payload: unknown,
  context: PayloadContext,
): PayloadReading & { readonly format: PayloadFormat } => {
  const isObject = typeof payload === 'object' && payload !== null;
  const found = isObject ? readers.find((reader) => reader.isFor(payload)) : undefined;
  const { format, read } = found ?? genericWorkerReader;
  return { ...read(payload, context), format };
};

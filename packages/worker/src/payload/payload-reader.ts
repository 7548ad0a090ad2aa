import type { PayloadContext, PayloadReading } from './payload-context.ts';
import type { PayloadFormat } from './published-schema.ts';

/** Reads the payloads of one format. A further format is a further entry of the list in `read-payload.ts`. */
export interface PayloadReader {
  readonly format: PayloadFormat;
  /** Whether the fields of a payload are those of this format, right or wrong. */
  isFor(payload: object): boolean;
  /** The description of the task, or all mistakes of the payload. Never throws. */
  read(payload: unknown, context: PayloadContext): PayloadReading;
}

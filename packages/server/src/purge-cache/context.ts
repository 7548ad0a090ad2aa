import type { BaseContext, Signal } from '../base/index.ts';

/** What purge-cache is opened with. */
export interface Context extends BaseContext {
  /** Woken with the ids of worker pools with new requests; shared between processes. */
  readonly changed: Signal;
}

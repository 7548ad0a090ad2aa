import { afterAnyWait, later } from '../../base/index.ts';
import { waitMaxMs } from '../lifecycle.ts';

/** The end of the longest wait. What is to wait beyond it was put off before the clock was set back, and is due now. */
export const endOfWaits = (now: Date): Date => afterAnyWait(later(now, waitMaxMs));

/** Which rows are taken to be worked on. */
export interface Taking {
  readonly now: Date;
  /** Nobody else takes them before. */
  readonly until: Date;
  readonly limit: number;
}

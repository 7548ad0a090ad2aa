import { seconds } from '../../base/index.ts';

/** The failures of some messages so far. */
export interface Trouble {
  /** How often these messages have failed before. */
  readonly attempts: number;
  /** Whether they are already handled one by one. */
  readonly isSingle: boolean;
}

/** What to do about messages that failed once more. */
export type Remedy =
  | { readonly kind: 'wait'; readonly ms: number }
  /** It is unknown which message is bad: they are handled one by one. */
  | { readonly kind: 'separate' }
  /** This message keeps failing. */
  | { readonly kind: 'pass over' };

const pageAttemptsMax = 3;
const messageAttemptsMax = 5;
/** The longest wait. */
export const waitMaxMs = seconds(30);

/** A page is tried three times, then each of its messages alone five times, with growing waits in between. */
export const remedyFor = ({ attempts, isSingle }: Trouble): Remedy => {
  const failures = attempts + 1;
  if (failures < (isSingle ? messageAttemptsMax : pageAttemptsMax)) {
    return { kind: 'wait', ms: Math.min(waitMaxMs, seconds(2 ** attempts)) };
  }
  return { kind: isSingle ? 'pass over' : 'separate' };
};

import { seconds } from '../../base/index.ts';

/** How handling some messages has gone so far. */
export interface Trouble {
  /** How often these messages have failed before. */
  readonly attempts: number;
  /** They go one by one already. */
  readonly isSingle: boolean;
}

/** What to do about messages that failed once more. */
export type Remedy =
  | { readonly kind: 'wait'; readonly ms: number }
  /** Nobody knows which one it was. */
  | { readonly kind: 'separate' }
  /** It is this one, and it stays bad. */
  | { readonly kind: 'pass over' };

const pageAttemptsMax = 3;
const messageAttemptsMax = 5;
const waitMaxMs = seconds(30);

/** A page is tried three times, then each of its messages by itself five times, with longer and longer waits between. */
export const remedyFor = ({ attempts, isSingle }: Trouble): Remedy => {
  const failures = attempts + 1;
  if (failures < (isSingle ? messageAttemptsMax : pageAttemptsMax)) {
    return { kind: 'wait', ms: Math.min(waitMaxMs, seconds(2 ** attempts)) };
  }
  return { kind: isSingle ? 'pass over' : 'separate' };
};

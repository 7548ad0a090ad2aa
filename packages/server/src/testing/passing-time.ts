import { eventually } from '@taskyard/patience';
import type { ManualClock } from '../base/index.ts';

/** Moves a clock by this many milliseconds, again and again, until a promise is settled; returns what it resolves with. */
export const whileTimePasses = async <T>(clock: ManualClock, ms: number, answer: Promise<T>): Promise<T> => {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  answer.then(settle, settle);
  await eventually('the promise to be settled', () => {
    if (!isSettled) clock.advance(ms);
    return isSettled;
  });
  return answer;
};

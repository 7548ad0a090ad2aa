import { type Answer, RequestError } from '../../base/index.ts';

const isFine = <T>(answer: Answer<T>): answer is T => !(answer instanceof RequestError);

/** Continues with the items of a set that are not refused yet; returns a result for each, in order. */
export const goOn = async <In, Out>(
  items: readonly Answer<In>[],
  run: (items: In[]) => Promise<Answer<Out>[]>,
): Promise<Answer<Out>[]> => {
  const fine = items.filter(isFine);
  const answers = fine.length > 0 ? await run(fine) : [];
  let next = 0;
  return items.map((item) => (isFine(item) ? (answers[next++] as Answer<Out>) : item));
};

/** Does something for each item, at most this many at a time. After a failure none is begun; the first one is thrown. */
export const inParallel = async <T>(
  items: readonly T[],
  concurrencyMax: number,
  act: (item: T) => Promise<void>,
): Promise<void> => {
  const rest = items.values();
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    for (const item of rest) {
      if (hasFailed) return;
      try {
        await act(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: concurrencyMax }, lane));
  const failed = lanes.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
};

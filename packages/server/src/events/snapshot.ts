/**
 * A snapshot, as PostgreSQL writes it (`xmin:xmax:xip,…`), cut off right after transaction `lastXid`: the greatest id of
 * a message that the snapshot shows. It shows the same messages as before. What it no longer counts as seen are ids
 * whose transactions were rolled back: PostgreSQL hands those out again after a crash, and a message may have one then.
 */
export const endAfter = (snapshot: string, lastXid: string): string => {
  const [xmin = '', xmax = '', running = ''] = snapshot.split(':');
  const end = BigInt(lastXid) + 1n;
  if (BigInt(xmax) <= end) return snapshot;
  const stillRunning = running.split(',').filter((xid) => xid !== '' && BigInt(xid) < end);
  return `${BigInt(xmin) < end ? xmin : end}:${end}:${stillRunning.join(',')}`;
};

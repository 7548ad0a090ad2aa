/**
 * A snapshot, as PostgreSQL writes it (`xmin:xmax:xip,…`), cut off right after transaction `lastXid`, the greatest id of a
 * message that is visible in it. The same messages are visible as before. Only ids of rolled back transactions no longer
 * count as seen: PostgreSQL reuses those after a crash, and messages may have them then.
 */
export const endAfter = (snapshot: string, lastXid: string): string => {
  const [xmin = '', xmax = '', running = ''] = snapshot.split(':');
  const end = BigInt(lastXid) + 1n;
  if (BigInt(xmax) <= end) return snapshot;
  const stillRunning = running.split(',').filter((xid) => xid !== '' && BigInt(xid) < end);
  return `${BigInt(xmin) < end ? xmin : end}:${end}:${stillRunning.join(',')}`;
};

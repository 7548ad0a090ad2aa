import { type Clock, RequestError, seconds } from '../base/index.ts';
import { closeCodes, type Tunnel, TunnelBroken } from './tunnel.ts';

/** Soon enough that no router between us forgets a connection on which nothing else is said. */
const askEveryMs = seconds(25);

/**
 * Asks the worker again and again who it is, until the tunnel ends. One that does not answer has gone without a word; one
 * whose credentials have ended, or no longer hold what they must, is sent away.
 */
export const watchOver = async (
  tunnel: Tunnel,
  { clock, requireStanding }: { clock: Clock; requireStanding(authorization: string): Promise<void> },
): Promise<void> => {
  const over = new AbortController();
  void tunnel.closed.then(() => over.abort());
  for (;;) {
    await clock.sleep(askEveryMs, over.signal);
    if (over.signal.aborted) return;
    try {
      await requireStanding(await tunnel.proof());
    } catch (error) {
      // Where the clients cannot be looked up for a moment, the worker is what it was.
      if (error instanceof TunnelBroken) tunnel.close(closeCodes.silent);
      else if (error instanceof RequestError) tunnel.close(closeCodes.refused);
    }
  }
};

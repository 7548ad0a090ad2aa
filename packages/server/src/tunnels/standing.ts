import { type Clock, RequestError, seconds } from '../base/index.ts';
import { closeCodes, type Tunnel, TunnelBroken } from './tunnel.ts';

/** Often enough that no router on the way drops an idle connection. */
const askEveryMs = seconds(25);

/**
 * Asks the worker to prove its identity from time to time, until the tunnel ends. The tunnel is closed when the worker does
 * not reply, or when its credentials have ended or lost the needed scopes.
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
      // When clients cannot be looked up for a moment, the last result counts.
      if (error instanceof TunnelBroken) tunnel.close(closeCodes.silent);
      else if (error instanceof RequestError) tunnel.close(closeCodes.refused);
    }
  }
};

import type { FastifyReply } from 'fastify';
import { type Clock, seconds } from '../base/index.ts';

/** Callers who wait are asked again so often whether they still may. */
const askEveryMs = seconds(10);

/**
 * A signal for a call that waits: it aborts when the caller has gone, and soon after its credentials have ended or lost
 * what the method asks for.
 */
export const whileStanding = (
  reply: FastifyReply,
  { clock, requireStanding }: { clock: Clock; requireStanding: () => Promise<void> },
): AbortSignal => {
  const gone = new AbortController();
  let cancel = (): void => {};
  const askLater = (): void => {
    cancel = clock.after(askEveryMs, () => {
      requireStanding().then(
        () => reply.raw.destroyed || reply.raw.writableFinished || askLater(),
        () => gone.abort(),
      );
    });
  };
  askLater();
  reply.raw.once('close', () => {
    cancel();
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
};

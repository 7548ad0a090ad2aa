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
  // Who has ended its half of the connection may have ended it all, which only an answer would show. What comes after a
  // long wait must not be given to nobody.
  const { socket } = reply.request.raw;
  const leave = (): void => void socket.destroy();
  if (socket.readableEnded) leave();
  else socket.once('end', leave);
  reply.raw.once('close', () => {
    cancel();
    socket.off('end', leave);
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
};

import type { FastifyReply } from 'fastify';
import { type Clock, seconds } from '../base/index.ts';

/** The credentials of a waiting caller are checked again at this interval. */
const askEveryMs = seconds(10);

/**
 * A signal for a call that waits. It aborts when the caller disconnects, and soon after its credentials have ended or
 * lost the scopes that the method needs.
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
  // A caller that has ended its half of the connection may be gone, which only a reply would show. What a long wait
  // brings must not be sent to a connection that is gone.
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

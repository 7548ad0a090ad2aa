import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/index.ts';

/** At most this many bytes of a refused body are read and discarded. Then the connection is cut. */
const droppedBytesMax = 64 * 2 ** 20;

/** It is read in steps with pauses, at 8 MiB a second, so that refused bodies do not keep the server busy. */
const stepBytes = 2 ** 18;
const restMs = 32;

/**
 * Lets refusals reach callers that are still sending. Many read the reply only after they have sent the whole body, and a
 * connection that is closed while bytes arrive is reset, which loses a reply on its way. So the connection stays open, and
 * the rest of the body is read slowly and discarded.
 */
export const readRestOfBodies = (app: FastifyInstance, clock: Clock): void => {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { headers } = request;
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    if (hasBody && !request.raw.complete) readRest(request, reply, clock);
    done();
  });
};

const readRest = ({ raw }: FastifyRequest, reply: FastifyReply, clock: Clock): void => {
  reply.removeHeader('connection');
  // A caller that asked to close the connection does so as soon as it has read the reply.
  reply.raw.shouldKeepAlive = true;
  let dropped = 0;
  let step = 0;
  let cancel = (): void => {};
  raw.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    step += chunk.length;
    if (dropped > droppedBytesMax) raw.destroy();
    else if (step >= stepBytes) {
      step = 0;
      raw.pause();
      cancel = clock.after(restMs, () => raw.resume());
    }
  });
  raw.once('close', () => cancel());
  raw.on('error', () => {});
  raw.resume();
};

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Of a body that was refused so many bytes are read and dropped; who sends more is cut off. */
const droppedBytesMax = 64 * 2 ** 20;

/**
 * Lets refusals reach callers that are still sending: many read a reply only after their whole body. A connection that
 * is ended while bytes arrive is reset, and a reply on its way is lost with it. So it stays open, and the rest of the
 * body is read and dropped, whatever refused it, and nothing of it is kept.
 */
export const readRestOfBodies = (app: FastifyInstance): void => {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const { headers } = request;
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    if (hasBody && !request.raw.complete) readRest(request, reply);
    done();
  });
};

const readRest = ({ raw }: FastifyRequest, reply: FastifyReply): void => {
  reply.removeHeader('connection');
  // Who asked to close afterwards does so as soon as the reply has been read.
  reply.raw.shouldKeepAlive = true;
  let dropped = 0;
  raw.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > droppedBytesMax) raw.destroy();
  });
  raw.on('error', () => {});
  raw.resume();
};

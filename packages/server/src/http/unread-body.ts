import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/index.ts';

/** Of a body that was refused so many bytes are read and dropped; who sends more is cut off. */
const droppedBytesMax = 64 * 2 ** 20;

/** It is read in steps with rests between, 8 MiB a second: who sends what nobody wants must not keep the server busy. */
const stepBytes = 2 ** 18;
const restMs = 32;

/**
 * Lets refusals reach callers that are still sending: many read a reply only after their whole body. A connection that
 * is ended while bytes arrive is reset, and a reply on its way is lost with it. So it stays open, and the rest of the
 * body is read and dropped, slowly, whatever refused it, and nothing of it is kept.
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
  // Who asked to close afterwards does so as soon as the reply has been read.
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

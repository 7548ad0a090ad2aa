import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import type { FastifyReply, FastifyRequest, RequestPayload } from 'fastify';
import { type Clock, RequestError, seconds } from '../base/index.ts';
import type { Caller, Contract } from './contract.ts';

const bodyBytesMaxDefault = 10 * 2 ** 20;

/** What a caller without credentials may send at most. */
export const unsignedBytesMax = 2 ** 20;

/** So much of a refused request's body is read and thrown away, so that the connection can be used again. */
const unreadBytesMax = 64 * 2 ** 10;

/** What a method takes at most, from those it knows. */
export const bodyBytesMax = ({ bodyBytesMax: own = bodyBytesMaxDefault }: Contract): number => own;

export const tooLarge = (bytesMax: number): RequestError =>
  new RequestError('InputTooLarge', `The body is larger than ${bytesMax / 2 ** 20} MiB.`);

/** The length that a request announces; undefined where it announces none, though a body may come. */
const announcedBytes = ({ headers }: FastifyRequest): number | undefined => {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
};

/** Would a body be work to examine, or might it be? */
export const hasLargeBody = (request: FastifyRequest): boolean =>
  (announcedBytes(request) ?? Number.POSITIVE_INFINITY) > unreadBytesMax;

/** Refuses a body by its announced length, before any of it is read. */
export const requireBoundedBody = (contract: Contract, caller: Caller, request: FastifyRequest): void => {
  const bytesMax = caller.isAnonymous ? unsignedBytesMax : bodyBytesMax(contract);
  if ((announcedBytes(request) ?? 0) > bytesMax) throw tooLarge(bytesMax);
};

/** Bodies of callers without credentials that announce no length end at the bound. */
export const boundBody = (body: RequestPayload, caller: Caller | undefined): RequestPayload => {
  const isChunked = (body as IncomingMessage).headers?.['transfer-encoding'] !== undefined;
  if (!caller?.isAnonymous || !isChunked) return body;
  let bytes = 0;
  const bound = new Transform({
    transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
      bytes += chunk.length;
      if (bytes > unsignedBytesMax) done(tooLarge(unsignedBytesMax));
      else done(null, chunk);
    },
  });
  body.once('error', (error) => bound.destroy(error));
  return body.pipe(bound);
};

/** Who is still sending when the reply comes has so long to read it. */
const lingerMs = seconds(2);

/**
 * Ends the connection after the reply, unless so little of the body is left that it can be thrown away. Of a larger one
 * no more is read. The connection stays open for a moment: if it was closed at once, its sender would lose the reply.
 */
export const leaveUnread = (request: FastifyRequest, reply: FastifyReply, clock: Clock): void => {
  const bytes = announcedBytes(request);
  if (bytes !== undefined && bytes <= unreadBytesMax) return;
  leftUnread.add(request.raw);
  reply.header('connection', 'close');
  const { raw } = request;
  const { socket } = raw;
  socket.pause();
  // Node would read on, to throw the rest away: nothing may begin to read from this connection again.
  socket.resume = () => socket;
  // Node ends a connection by this method after its last reply.
  socket.destroySoon = () => {
    socket.end();
    const cancel = clock.after(lingerMs, () => socket.destroy());
    socket.once('close', cancel);
  };
};

const leftUnread = new WeakSet<IncomingMessage>();

/** Was it decided that no more of this request's body is read? */
export const isLeftUnread = (request: IncomingMessage): boolean => leftUnread.has(request);

const waiting = new WeakSet<IncomingMessage>();

/** Notes that the sender of a request waits to be told to send its body. */
export const noteExpectation = (request: IncomingMessage): void => void waiting.add(request);

/** Tells the sender of a request that waits to go on. */
export const sendContinue = ({ request, raw }: FastifyReply): void => {
  if (waiting.delete(request.raw)) raw.writeContinue();
};

import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import type { FastifyReply, FastifyRequest, RequestPayload } from 'fastify';
import { type Clock, minutes, RequestError } from '../base/index.ts';
import type { BodyProof, Caller, Contract } from './contract.ts';
import { headerBytesMax } from './limits.ts';
import { unprovenBodies } from './unproven.ts';

const bodyBytesMaxDefault = 10 * 2 ** 20;

/** The largest body of a caller without credentials, in bytes: for `authenticateHawk`, all headers of a request and a little more. */
const unsignedBytesMax = headerBytesMax + 64 * 2 ** 10;

/** Validating a body above this size is considerable work. */
const largeBytes = 64 * 2 ** 10;

/** The largest body of a method, from callers with credentials. */
export const bodyBytesMax = ({ bodyBytesMax: own = bodyBytesMaxDefault }: Contract): number => own;

/** The largest body of a method, from this caller. */
export const bytesMaxFrom = (contract: Contract, caller: Caller | undefined): number =>
  Math.min(
    bodyBytesMax(contract),
    caller?.isAnonymous && !contract.signedByOthers ? unsignedBytesMax : Number.POSITIVE_INFINITY,
  );

export const tooLarge = (bytesMax: number): RequestError => {
  const size = bytesMax < 2 ** 20 ? `${bytesMax / 2 ** 10} KiB` : `${bytesMax / 2 ** 20} MiB`;
  return new RequestError('InputTooLarge', `The body is larger than ${size}.`);
};

/** The length that a request announces; undefined when it announces none, although a body may follow. */
const announcedBytes = ({ headers }: FastifyRequest): number | undefined => {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
};

/** Whether validating the body may be considerable work. */
export const hasLargeBody = (request: FastifyRequest): boolean =>
  (announcedBytes(request) ?? Number.POSITIVE_INFINITY) > largeBytes;

/** Bodies above this size are processed one after the other. */
const bytesWithoutTurn = 2 ** 14;

/** Whether processing this body takes a while. */
export const takesTurn = (text: string): boolean => text.length > bytesWithoutTurn;

/** Refuses a body by its announced length, before any of it is read. */
export const requireBoundedBody = (contract: Contract, caller: Caller, request: FastifyRequest): void => {
  const bytesMax = bytesMaxFrom(contract, caller);
  if ((announcedBytes(request) ?? 0) > bytesMax) throw tooLarge(bytesMax);
};

/** The body of an API call must arrive within this time. */
const bodyWithinMs = minutes(2);

/** Ends the connection of a caller that takes too long to send its body. */
export const limitBodyTime = (request: FastifyRequest, clock: Clock): void => {
  if (announcedBytes(request) === 0) return;
  const { raw } = request;
  const { socket } = raw;
  const done = (): void => {
    cancel();
    socket.off('close', done);
  };
  const cancel = clock.after(bodyWithinMs, () => {
    if (!raw.complete) raw.destroy();
    done();
  });
  raw.once('end', done);
  raw.once('close', done);
  // A request that was answered before its body arrived emits no event when its connection ends.
  socket.once('close', done);
};

/** The body behind a transform. What ends it early ends that, too. */
const through = (body: RequestPayload, transform: Transform): Transform => {
  // Its reader hears of errors as well. A request without a body has none, and one that was refused has it no more.
  transform.on('error', () => {});
  body.once('error', (error) => transform.destroy(error));
  body.once('close', () => {
    if ((body as IncomingMessage).complete === false) transform.destroy(new Error('The connection ended.'));
  });
  return body.pipe(transform);
};

/**
 * Bodies that are still to be proved share what they may hold. Those of other callers without credentials that announce
 * no length end at their bound.
 */
export const boundBody = (
  body: RequestPayload,
  { caller, proof }: { readonly caller: Caller; readonly proof: BodyProof | undefined },
): RequestPayload => {
  if (proof) return through(body, unprovenBodies.watch(proof));
  const isChunked = (body as IncomingMessage).headers?.['transfer-encoding'] !== undefined;
  if (!caller.isAnonymous || !isChunked) return body;
  let bytes = 0;
  const bound = new Transform({
    transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
      bytes += chunk.length;
      if (bytes > unsignedBytesMax) done(tooLarge(unsignedBytesMax));
      else done(null, chunk);
    },
  });
  return through(body, bound);
};

const waiting = new WeakSet<IncomingMessage>();

/** Records that the sender of a request waits for `100 Continue` before it sends the body. */
export const noteExpectation = (request: IncomingMessage): void => void waiting.add(request);

/** Sends `100 Continue` to a sender that waits for it. */
export const sendContinue = ({ request, raw }: FastifyReply): void => {
  if (waiting.delete(request.raw)) raw.writeContinue();
};

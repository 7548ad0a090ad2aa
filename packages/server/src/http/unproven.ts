import { Transform, type TransformCallback } from 'node:stream';
import { RequestError } from '../base/index.ts';
import type { BodyProof } from './contract.ts';

/** What bodies may hold before their senders have proved anything, in bytes and all together in one process. */
const bytesMaxDefault = 64 * 2 ** 20;

interface Body {
  bytes: number;
  readonly stream: Transform;
}

const tookLongest = (): RequestError =>
  new RequestError(
    'ServiceUnavailable',
    'More bodies arrive at once than can be held before they are proved, and this one has taken the longest. Send it again.',
  );

/**
 * Bodies that are not proved yet. Where they are too many, the one that has been arriving for the longest time is ended:
 * those of strangers who send slowly, or never to the end, make room for one that arrives at once.
 */
export class UnprovenBodies {
  readonly #bytesMax: number;
  /** The oldest first. */
  readonly #bodies = new Set<Body>();
  #bytes = 0;

  constructor(bytesMax = bytesMaxDefault) {
    this.#bytesMax = bytesMax;
  }

  /** What a body passes through while it arrives. It ends with an error, before anybody reads the whole, when the proof fails. */
  watch(proof: BodyProof): Transform {
    const stream = new Transform({
      transform: (piece: Buffer, _encoding, done: TransformCallback) => {
        proof.update(piece);
        this.#hold(body, piece.length);
        // This one may have been ended to make room.
        if (!stream.destroyed) done(null, piece);
      },
      flush: (done: TransformCallback) => {
        this.#release(body);
        done(proof.refusal());
      },
    });
    const body: Body = { bytes: 0, stream };
    this.#bodies.add(body);
    stream.once('close', () => this.#release(body));
    return stream;
  }

  #hold(body: Body, bytes: number): void {
    body.bytes += bytes;
    this.#bytes += bytes;
    for (const oldest of this.#bodies) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#release(oldest);
      oldest.stream.destroy(tookLongest());
    }
  }

  #release(body: Body): void {
    if (this.#bodies.delete(body)) this.#bytes -= body.bytes;
  }
}

/** Those of this process. */
export const unprovenBodies = new UnprovenBodies();

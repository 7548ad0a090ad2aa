import { createHmac, type Hmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from '../../base/index.ts';
import type { BodyProof } from '../../http/index.ts';

const isEqual = (given: string, expected: string): boolean => {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
};

/** The signature of a delivery: of the two that GitHub sends, the better one counts. */
const signatureIn = (
  headers: IncomingHttpHeaders,
): { algorithm: 'sha256' | 'sha1'; given: string } | undefined => {
  const [sha256, sha1] = [headers['x-hub-signature-256'], headers['x-hub-signature']];
  if (typeof sha256 === 'string') return { algorithm: 'sha256', given: sha256 };
  return typeof sha1 === 'string' ? { algorithm: 'sha1', given: sha1 } : undefined;
};

const notSigned = (): RequestError =>
  new RequestError('SignatureMismatch', 'The delivery is not signed with the secret of the webhook.');

/**
 * Proves that a delivery was signed with one of some secrets. What is signed are the bytes as they come, and nothing that
 * was parsed and printed again.
 */
export class SignatureProof implements BodyProof {
  readonly #given: string;
  readonly #algorithm: string;
  readonly #macs: readonly Hmac[];
  #isGood: boolean | undefined;

  /** Throws a SignatureMismatch where there is no signature, or what has not the form of one. */
  constructor(headers: IncomingHttpHeaders, secrets: readonly string[]) {
    const { algorithm, given } = signatureIn(headers) ?? { algorithm: 'sha256', given: '' };
    if (!/^sha(1=[0-9a-f]{40}|256=[0-9a-f]{64})$/.test(given)) throw notSigned();
    this.#given = given;
    this.#algorithm = algorithm;
    this.#macs = secrets.map((secret) => createHmac(algorithm, secret));
  }

  update(piece: Buffer): void {
    for (const mac of this.#macs) mac.update(piece);
  }

  refusal(): RequestError | undefined {
    this.#isGood ??= this.#macs.some((mac) =>
      isEqual(this.#given, `${this.#algorithm}=${mac.digest('hex')}`),
    );
    return this.#isGood ? undefined : notSigned();
  }
}

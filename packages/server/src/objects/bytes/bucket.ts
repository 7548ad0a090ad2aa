import { type Clock, isConnectionLoss, PartyAway } from '../../base/index.ts';

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** The URL of any server with the S3 API; Amazon's when absent. */
  readonly endpoint?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`, which most servers other than Amazon's need. */
  readonly forcePathStyle?: boolean;
  /** When both are absent the SDK looks for a key: environment, files, instance role. */
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  /** The prefix of each key. */
  readonly prefix?: string;
}

/**
 * What is asked is small: some headers, the deletion of many keys, a megabyte at most. With the SDK's three attempts a silent
 * store fails a call within a minute, in which PostgreSQL still waits for a transaction that removes bytes.
 */
export const patienceOfCalls = { connectionTimeout: 3000, requestTimeout: 10_000, socketTimeout: 10_000 };
export type Patience = typeof patienceOfCalls;

// Loading the SDK takes half a second and much memory, so it is loaded only when a bucket is used.
const loadSdk = async (
  { region, endpoint, forcePathStyle = false, ...key }: S3Options,
  patience: Patience,
) => {
  const { accessKeyId, secretAccessKey } = key;
  const [s3, { getSignedUrl }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
  ]);
  const client = new s3.S3Client({
    region,
    forcePathStyle,
    ...(endpoint ? { endpoint } : {}),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
    requestHandler: { ...patience, throwOnRequestTimeout: true },
    // By default the SDK adds checksums that other servers store as if they were content.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  return { ...s3, client, getSignedUrl };
};

const secondsUntil = (expires: Date, clock: Clock): number =>
  Math.max(1, Math.floor((expires.getTime() - clock.now().getTime()) / 1000));

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

export const isMissing = (error: unknown): boolean => statusOf(error) === 404;

/** Whether the store is overloaded, broken or gone. The SDK has repeated the call by then. */
const isAway = (error: unknown): boolean => {
  const status = statusOf(error);
  if (status !== undefined && status >= 400) return status >= 500 || status === 429;
  return (error as Error).name === 'TimeoutError' || isConnectionLoss(error);
};

/** What a call of the store returns; rejects with PartyAway when it is away. */
export const fromStore = async <T>(call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    if (!isAway(error)) throw error;
    const { message, name, code } = error as Error & { code?: string };
    throw new PartyAway('The store of artifacts and objects', message || code || name, error);
  }
};

/** A bucket, and what calls of it have in common. */
export class Bucket {
  readonly #options: S3Options;
  readonly #clock: Clock;
  readonly #patience: Patience;
  #loaded: ReturnType<typeof loadSdk> | undefined;

  constructor(options: S3Options, clock: Clock, patience: Patience) {
    this.#options = options;
    this.#clock = clock;
    this.#patience = patience;
  }

  /** The SDK, and a client of the bucket's service. */
  sdk() {
    this.#loaded ??= loadSdk(this.#options, this.#patience);
    return this.#loaded;
  }

  at(key: string) {
    const { bucket, prefix = '' } = this.#options;
    return { Bucket: bucket, Key: prefix + key };
  }

  until(expires: Date) {
    return { expiresIn: secondsUntil(expires, this.#clock), signingDate: this.#clock.now() };
  }
}

import type { ProviderError } from '../provider.ts';

/** What EC2, or the way to it, says when a call fails. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /**
   * `throttled`: asked too often. `unknown`: it may or may not have happened. `no-capacity`: not there, not now.
   * `limit`: the account may not have more. `refused`: it will never work like this.
   */
  readonly sort: 'throttled' | 'unknown' | 'no-capacity' | 'limit' | 'refused';
}

const throttling = /^(RequestLimitExceeded|Throttl|EC2Throttled|RequestThrottled|SlowDown|TooManyRequests)/;
const noCapacity = /^(Insufficient\w*Capacity|UnfulfillableCapacity|SpotMaxPriceTooLow|Unsupported)/;
const limit = /^(\w*LimitExceeded|MaxSpotInstanceCountExceeded|InstanceLimitExceeded|MaxIOPSLimitExceeded)/;
const passing = /^(InternalError|InternalFailure|Unavailable|ServiceUnavailable|RequestExpired)/;

/** Sorts an error code of EC2. */
export const sortOf = (code: string): Failure['sort'] => {
  if (throttling.test(code)) return 'throttled';
  if (noCapacity.test(code)) return 'no-capacity';
  if (limit.test(code)) return 'limit';
  return passing.test(code) ? 'unknown' : 'refused';
};

/** What an error that the library throws means. */
export const failureOf = (error: unknown): Failure => {
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  const sort = sortOf(name);
  // Without an answer nobody knows; only keys that cannot be found are known to be missing before anything is sent.
  const isUnanswered = status === undefined && name !== 'CredentialsProviderError';
  const isTheirs = status !== undefined && status >= 500 && sort === 'refused';
  return { code: name, message, sort: isUnanswered || isTheirs ? 'unknown' : sort };
};

const titles: Readonly<Record<Failure['sort'], string>> = {
  throttled: 'EC2 was asked too often',
  unknown: 'EC2 did not answer',
  'no-capacity': 'EC2 has no capacity',
  limit: 'A limit of the AWS account is reached',
  refused: 'EC2 refused to start instances',
};

/** A failure as the owners of a pool read it. */
export const asProviderError = (
  { sort, code, message }: Failure,
  extra?: Readonly<Record<string, unknown>>,
): ProviderError => ({
  kind: 'creation-error',
  title: titles[sort],
  description: message || code,
  code,
  ...(extra ? { extra } : {}),
  ...(sort === 'refused' ? {} : { isPassing: true }),
});

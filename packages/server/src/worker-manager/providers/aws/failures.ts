import type { ProviderError } from '../provider.ts';

/** The error of a failed call, from EC2 or from the network. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /**
   * `throttled`: too many calls. `unknown`: the call may or may not have had an effect. `no-capacity`: none now.
   * `limit`: the limit of the account is reached. `refused`: the call can never succeed.
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
  // Without a reply the effect is unknown. Only missing keys are found before anything is sent.
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

/** A failure in words for the owners of a pool. */
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

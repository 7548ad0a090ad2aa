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
const noCapacity =
  /^(Insufficient\w*Capacity|InsufficientFreeAddressesInSubnet|UnfulfillableCapacity|ReservationCapacityExceeded|SpotMaxPriceTooLow|Unsupported$)/;
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

/**
 * What an error of a call that starts instances means. `Unavailable` is a fact about its place, like the lack of capacity, and
 * not a reason to repeat the call; of other calls it only says that EC2 has too much to do.
 */
export const launchFailureOf = (error: unknown): Failure => {
  const failure = failureOf(error);
  return failure.code === 'Unavailable' ? { ...failure, sort: 'no-capacity' } : failure;
};

const titles: Readonly<Record<Failure['sort'], string>> = {
  throttled: 'EC2 was asked too often',
  unknown: 'EC2 did not answer',
  'no-capacity': 'EC2 has no capacity',
  limit: 'A limit of the AWS account is reached',
  refused: 'EC2 refused to start instances',
};

/** What to do about it, by the code of EC2. */
const advices: readonly (readonly [code: RegExp, advice: string])[] = [
  [
    /^(AuthFailure|UnauthorizedOperation|InvalidClientTokenId|SignatureDoesNotMatch|CredentialsProviderError|OptInRequired|Blocked)/,
    'See to the keys of the provider, and to what AWS lets them do.',
  ],
  [
    /^InvalidAMIID/,
    'The image is gone, or in another region: name another one in a launch config of another id.',
  ],
  [
    /^Invalid(SubnetID|Subnet|GroupId|Group|SecurityGroupID|KeyPair|Zone)/,
    'What the launch config names is not in its region: name what is there.',
  ],
  [
    /LimitExceeded$|^MaxSpotInstanceCountExceeded/,
    'Have the limit of the account raised in this region, or lower the maxCapacity of the launch config.',
  ],
  [
    new RegExp(`${noCapacity.source}|^Unavailable$`),
    'Name more types of instances and more zones, or let the rest be bought on demand.',
  ],
];

const adviceFor = ({ code, sort }: Failure): string =>
  sort === 'throttled' ? '' : (advices.find(([pattern]) => pattern.test(code))?.[1] ?? '');

/** A failure in words for the owners of a pool. */
export const asProviderError = (
  failure: Failure,
  extra?: Readonly<Record<string, unknown>>,
): ProviderError => {
  const { sort, code, message } = failure;
  const speaksAgainstConfig = sort === 'refused' || sort === 'limit';
  return {
    kind: 'creation-error',
    title: titles[sort],
    description: [message || code, adviceFor(failure)].filter(Boolean).join('\n'),
    code,
    ...(extra ? { extra } : {}),
    ...(speaksAgainstConfig ? {} : { isPassing: true }),
    ...(sort === 'no-capacity' || code === 'MaxSpotInstanceCountExceeded' ? { isShortage: true } : {}),
  };
};

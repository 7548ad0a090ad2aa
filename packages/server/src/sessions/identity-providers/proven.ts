import { NotProven } from './identity-provider.ts';

interface Refusal {
  /** What an answer of 400 says. */
  readonly error?: unknown;
  readonly cause?: unknown;
  /** The body of an answer that is none, as the library keeps it. */
  readonly body?: { readonly error?: unknown };
}

/** What providers say of a code that was used, is too old, or is of another attempt; GitHub says it with status 200. */
const refusals = new Set<unknown>(['invalid_grant', 'bad_verification_code']);

const isRefusal = (error: unknown): boolean => {
  if (typeof error !== 'object' || error === null) return false;
  const { error: said, body, cause } = error as Refusal;
  return refusals.has(said) || refusals.has(body?.error) || isRefusal(cause);
};

/** What was granted for a code; throws {@link NotProven} where the provider says that the code is not good. */
export const proven = <T>(grant: Promise<T>): Promise<T> =>
  grant.catch((error: unknown) => {
    throw isRefusal(error)
      ? new NotProven('The identity provider refuses the code', { cause: error })
      : error;
  });

/** Every error code of the API, with its HTTP status. */
export const errorStatuses = {
  MalformedPayload: 400,
  InvalidRequestArguments: 400,
  InputValidationError: 400,
  InputError: 400,
  AuthenticationFailed: 401,
  InsufficientScopes: 403,
  ForbiddenByGithub: 403,
  SignatureMismatch: 403,
  ResourceNotFound: 404,
  NoMatchingBackend: 400,
  DenylistedAddress: 400,
  NoMatchingMethod: 406,
  RequestConflict: 409,
  ResourceExpired: 410,
  InputTooLarge: 413,
  ErrorArtifact: 424,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof errorStatuses;

/** A mistake in one element of a set: which element, and what is wrong. */
export interface ElementError {
  readonly taskId?: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * A refusal that the caller can act on. Anything else that is thrown is a bug and becomes a 500.
 * The message is a sentence that says what was asked for and why that is not possible.
 */
export class RequestError extends Error {
  readonly code: ErrorCode;
  /** The error of each element, when a whole set is refused. */
  readonly errors: readonly ElementError[] | undefined;

  constructor(code: ErrorCode, message: string, errors?: readonly ElementError[]) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
    this.errors = errors;
  }
}

/** Something that the server depends on, beside the database, is away or overloaded. A later attempt may succeed. */
export class PartyAway extends Error {
  /** What is away, as the subject of a sentence. */
  readonly party: string;
  constructor(party: string, reason: string, cause: unknown) {
    super(`${party} cannot be reached: ${reason}`, { cause });
    this.name = 'PartyAway';
    this.party = party;
  }
}

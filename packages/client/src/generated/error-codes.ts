// Generated from the server's contracts by `npm run generate`. Do not edit.

/** The codes with which the server refuses a call, each with the HTTP status of the reply. */
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
} as const;

export type ErrorCode = keyof typeof errorStatuses;

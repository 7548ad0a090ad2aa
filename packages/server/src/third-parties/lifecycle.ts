import { createHash } from 'node:crypto';
import type { RegisteredClient } from './schema.ts';

/** What a site is told by RFC 6749, sections 4.1.2.1 and 5.2. */
export type OAuthCode =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'access_denied'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'invalid_token';

/** Where an answer goes, and how: behind a `?`, or in the implicit flow behind a `#`, which servers are not sent. */
export interface ReturnTo {
  readonly redirectUri: string;
  readonly isImplicit: boolean;
  readonly state?: string | undefined;
}

/** A request of a site that is not as it should be. Without `returnTo` the site is told nothing: it may be another one. */
export class OAuthError extends Error {
  readonly code: OAuthCode;
  readonly returnTo: ReturnTo | undefined;
  constructor(code: OAuthCode, message: string, returnTo?: ReturnTo) {
    super(message);
    this.code = code;
    this.returnTo = returnTo;
  }
}

/** A sound request of a site for credentials of somebody. */
export interface AuthorizationRequest extends ReturnTo {
  readonly site: RegisteredClient;
  readonly scopes: readonly string[];
  readonly lifetimeMs: number;
  /** What the secret of the site was made into (RFC 7636), if it has one. */
  readonly codeChallenge?: string | undefined;
}

const parameters = [
  'client_id',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
  'expires',
  'code_challenge',
  'code_challenge_method',
] as const;
type Parameter = (typeof parameters)[number];

/** A parameter that a query or a form has more than once, so that nobody knows which value is meant. */
const repeated = (given: URLSearchParams, names: readonly string[]): string | undefined =>
  names.find((name) => given.getAll(name).length > 1);

/** Reads the query that a browser was sent with; throws an {@link OAuthError}. */
export const readRequest = (
  registered: readonly RegisteredClient[],
  query: URLSearchParams,
): AuthorizationRequest => {
  const value = (name: Parameter): string | undefined => query.get(name) ?? undefined;
  const returnTo = returnToOf(registered, query);
  const refuse = (code: OAuthCode, message: string): never => {
    throw new OAuthError(code, message, returnTo);
  };
  const twice = repeated(query, parameters);
  if (twice) refuse('invalid_request', `${twice} is given more than once`);
  const { site } = returnTo;
  if (value('response_type') !== site.responseType)
    refuse('unsupported_response_type', `this site is registered for the response type ${site.responseType}`);
  const scopes = (value('scope') ?? '').split(' ').filter((scope) => scope !== '');
  if (scopes.length === 0) refuse('invalid_scope', 'scope is missing');
  const foreign = scopes.find((scope) => !site.scope.some((own) => covers(own, scope)));
  if (foreign !== undefined) refuse('invalid_scope', `this site is not registered for ${foreign}`);
  if (site.whitelisted && !returnTo.isImplicit && !areSame(scopes, site.scope))
    refuse(
      'invalid_scope',
      'a site that people are not asked about has to ask for all that it is registered for',
    );
  return {
    ...returnTo,
    scopes: [...new Set(scopes)],
    lifetimeMs:
      lifetimeOf(value('expires'), site.maxExpires) ?? refuse('invalid_request', 'expires cannot be read'),
    codeChallenge: returnTo.isImplicit ? undefined : challengeIn(site, query, refuse),
  };
};

/** Whose request it is, and where it may be answered. */
const returnToOf = (
  registered: readonly RegisteredClient[],
  query: URLSearchParams,
): ReturnTo & { readonly site: RegisteredClient } => {
  const twice = repeated(query, ['client_id', 'redirect_uri']);
  if (twice) throw new OAuthError('invalid_request', `${twice} is given more than once`);
  const [clientId, redirectUri] = [query.get('client_id'), query.get('redirect_uri')];
  if (clientId === null) throw new OAuthError('invalid_request', 'client_id is missing');
  const site = registered.find((one) => one.clientId === clientId);
  if (!site) throw new OAuthError('unauthorized_client', 'no site is registered by this client_id');
  // Letter by letter: what is alike to people or to a parser of URLs may belong to somebody else.
  if (redirectUri === null || !site.redirectUri.includes(redirectUri))
    throw new OAuthError('unauthorized_client', 'redirect_uri is none that this site is registered with');
  const state = query.get('state') ?? undefined;
  return { site, redirectUri, state, isImplicit: site.responseType === 'token' };
};

const challengeIn = (
  { requirePkce }: RegisteredClient,
  query: URLSearchParams,
  refuse: (code: OAuthCode, message: string) => never,
): string | undefined => {
  const challenge = query.get('code_challenge') ?? undefined;
  const method = query.get('code_challenge_method') ?? undefined;
  if (challenge === undefined) {
    if (requirePkce || method !== undefined) refuse('invalid_request', 'code_challenge is missing');
    return undefined;
  }
  // `plain`, which is meant where no method is given, protects from nobody who has read the request.
  if (method !== 'S256') refuse('invalid_request', 'code_challenge_method has to be S256');
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) refuse('invalid_request', 'code_challenge is no SHA-256');
  return challenge;
};

const covers = (held: string, scope: string): boolean =>
  held === scope || (held.endsWith('*') && scope.startsWith(held.slice(0, -1)));

const areSame = (one: readonly string[], other: readonly string[]): boolean => {
  const [a, b] = [new Set(one), new Set(other)];
  return a.size === b.size && [...a].every((each) => b.has(each));
};

/** Whether a site that nobody need be asked about asks. */
export const needsNoConsent = ({ site, isImplicit }: AuthorizationRequest): boolean =>
  site.whitelisted === true && !isImplicit;

/** The scopes that both lists satisfy. */
export const commonScopes = (asked: readonly string[], held: readonly string[]): string[] => [
  ...new Set(
    asked.flatMap((scope) =>
      held.some((own) => covers(own, scope)) ? [scope] : held.filter((own) => covers(scope, own)),
    ),
  ),
];

// A month counts 30 days and a year 365, as in Taskcluster's own date expressions.
const [secondMs, dayMs] = [1000, 24 * 3600 * 1000];
const units: readonly (readonly [names: RegExp, ms: number])[] = [
  [/^(years?|y)$/, 365 * dayMs],
  [/^(months?|mo)$/, 30 * dayMs],
  [/^(weeks?|w)$/, 7 * dayMs],
  [/^(days?|d)$/, dayMs],
  [/^(hours?|h)$/, 3600 * secondMs],
  [/^(minutes?|min|m)$/, 60 * secondMs],
  [/^(seconds?|sec|s)$/, secondMs],
];

/** Milliseconds of a period such as `1 day 3 hours`; undefined where it cannot be read, or is none. */
const periodMs = (period: string): number | undefined => {
  if (!/^\s*(\d{1,9}\s*[a-z]+\s*)+$/.test(period)) return undefined;
  let sum = 0;
  for (const [, count, name = ''] of period.matchAll(/(\d+)\s*([a-z]+)/g)) {
    const unit = units.find(([names]) => names.test(name));
    if (!unit) return undefined;
    sum += Number(count) * unit[1];
  }
  return sum > 0 ? sum : undefined;
};

const lifetimeOf = (wanted: string | undefined, most: string): number | undefined => {
  const mostMs = periodMs(most) ?? 0;
  if (wanted === undefined) return mostMs;
  const wantedMs = periodMs(wanted);
  return wantedMs === undefined ? undefined : Math.min(wantedMs, mostMs);
};

/** The address that a browser takes an answer to. What the address had before stays as it was. */
export const answerUrl = (
  { redirectUri, isImplicit, state }: ReturnTo,
  fields: Readonly<Record<string, string>>,
): string => {
  const answer = new URLSearchParams({ ...fields, ...(state === undefined ? {} : { state }) }).toString();
  if (isImplicit) return `${redirectUri}#${answer}`;
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${answer}`;
};

/** What a grant is bound to. */
export interface GrantTerms {
  readonly thirdParty: string;
  readonly redirectUri: string;
  readonly codeChallenge: string | null;
}

/** What a site comes with to change a code into a token. */
export interface Exchange {
  readonly code: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly codeVerifier?: string | undefined;
}

/** Whether a site is the one that a code was made for. A verifier without a challenge tells that somebody took the latter away. */
export const isRightful = (terms: GrantTerms, { clientId, redirectUri, codeVerifier }: Exchange): boolean => {
  if (terms.thirdParty !== clientId || terms.redirectUri !== redirectUri) return false;
  if (terms.codeChallenge === null) return codeVerifier === undefined;
  if (codeVerifier === undefined || !/^[A-Za-z0-9._~-]{43,128}$/.test(codeVerifier)) return false;
  return createHash('sha256').update(codeVerifier).digest('base64url') === terms.codeChallenge;
};

/** Reads the form by which a site asks for a token; throws an {@link OAuthError}. */
export const readExchange = (contentType: string | undefined, form: string): Exchange => {
  if (!/^application\/x-www-form-urlencoded\b/i.test(contentType ?? ''))
    throw new OAuthError('invalid_request', 'the body has to be a form (application/x-www-form-urlencoded)');
  const given = new URLSearchParams(form);
  const twice = repeated(given, ['grant_type', 'code', 'client_id', 'redirect_uri', 'code_verifier']);
  if (twice) throw new OAuthError('invalid_request', `${twice} is given more than once`);
  const need = (name: string): string => {
    const value = given.get(name);
    if (!value) throw new OAuthError('invalid_request', `${name} is missing`);
    return value;
  };
  if (need('grant_type') !== 'authorization_code')
    throw new OAuthError('unsupported_grant_type', 'grant_type has to be authorization_code');
  return {
    code: need('code'),
    clientId: need('client_id'),
    redirectUri: need('redirect_uri'),
    codeVerifier: given.get('code_verifier') ?? undefined,
  };
};

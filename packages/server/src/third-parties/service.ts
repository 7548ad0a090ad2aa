import type { IncomingHttpHeaders } from 'node:http';
import {
  alone,
  bindVerbs,
  later,
  minutes,
  oneByOne,
  RequestError,
  requireDate,
  slugid,
  type Work,
} from '../base/index.ts';
import { type Caller, Reply, type SignedRequest } from '../http/index.ts';
import { digestOf, newSecret, type Session } from '../sessions/index.ts';
import type { Context } from './context.ts';
import * as lifecycle from './lifecycle.ts';
import * as store from './store.ts';

const { OAuthError } = lifecycle;

// As in the original: a site needs seconds for each step.
const [codeLastsMs, tokenLastsMs] = [minutes(10), minutes(10)];
/** How often it is compared what a client has, and what its person holds. */
const checkedEachMs = minutes(10);
const queryCharactersMax = 8000;

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

/** What a person holds now, by all roles as they are now; undefined when nobody could sign in as them any more. */
const grantorOf = async (
  { auth, clock }: Context,
  { clientId, scopes }: Pick<Session, 'clientId' | 'scopes'>,
): Promise<Caller | undefined> => {
  if (scopes) return auth.callerWithRoles(scopes);
  const client = await auth.client(clientId).catch((error: unknown) => {
    if (error instanceof RequestError && error.code === 'ResourceNotFound') return undefined;
    throw error;
  });
  const isThere = client && !client.disabled && requireDate(client.expires, 'expires') > clock.now();
  return isThere ? auth.callerWithRoles(client.scopes) : undefined;
};

const stillHolds = async (context: Context, grant: store.GrantRow): Promise<boolean> => {
  const { grantor: clientId, grantorScopes: scopes } = grant;
  const held = await grantorOf(context, { clientId, scopes });
  return held?.satisfies({ AllOf: [...grant.scopes] }) ?? false;
};

interface Asking {
  readonly headers: IncomingHttpHeaders;
  readonly query: string;
}

/** What a site would get by a request, of the person whose session it is. */
const offerFor = async (context: Context, { headers, query }: Asking) => {
  const session = await context.sessions.session(headers);
  const request = lifecycle.readRequest(context.registered, new URLSearchParams(query));
  const held = await grantorOf(context, session);
  if (!held) throw new RequestError('AuthenticationFailed', `The client '${session.clientId}' has ended.`);
  return {
    session,
    request,
    scopes: lifecycle.commonScopes(request.scopes, held.scopes),
    expires: earlier(later(context.clock.now(), request.lifetimeMs), session.expires),
  };
};

/** For the page of ours that asks: it shows what is wrong with a request that sends nobody back. */
const inOurWords = (error: unknown): never => {
  if (error instanceof OAuthError)
    throw new RequestError('InputError', `The site's request is wrong: ${error.message}.`);
  throw error;
};

const describe = async (context: Context, asking: Asking) => {
  const { session, request, scopes, expires } = await offerFor(context, asking).catch(inOurWords);
  return {
    thirdParty: request.site.clientId,
    redirectUri: request.redirectUri,
    clientId: session.clientId,
    scopes,
    expires: expires.toJSON(),
    isWhitelisted: lifecycle.needsNoConsent(request),
  };
};

/** No id that begins with `static/` is given to a client that is made at run time. */
const clientIdFor = ({ clientId }: Session, site: string): string =>
  `${clientId.replace(/^static\//, 'of-static/')}/${site}-${slugid().slice(0, 6)}`;

const decide = async (
  context: Context,
  createGrant: (grant: store.NewGrant) => Promise<undefined>,
  { isAllowed, ...asking }: Asking & { readonly isAllowed: boolean },
): Promise<{ url: string }> => {
  const {
    session,
    request,
    scopes,
    expires: clientExpires,
  } = await offerFor(context, asking).catch(inOurWords);
  if (!isAllowed) return { url: refusalUrl(request, new OAuthError('access_denied', 'the person said no')) };
  const { isImplicit, site, redirectUri, codeChallenge = null } = request;
  const secret = newSecret();
  await createGrant({
    codeDigest: isImplicit ? null : digestOf(secret),
    tokenDigest: isImplicit ? digestOf(secret) : null,
    thirdParty: site.clientId,
    redirectUri,
    codeChallenge,
    grantor: session.clientId,
    grantorScopes: session.scopes,
    clientId: clientIdFor(session, site.clientId),
    scopes,
    clientExpires,
    expires: later(context.clock.now(), isImplicit ? tokenLastsMs : codeLastsMs),
  });
  return {
    url: lifecycle.answerUrl(request, isImplicit ? stringsOf(tokenReply(secret, scopes)) : { code: secret }),
  };
};

const tokenReply = (token: string, scopes: readonly string[]) => ({
  access_token: token,
  token_type: 'Bearer',
  expires_in: tokenLastsMs / 1000,
  scope: scopes.join(' '),
});

const stringsOf = (fields: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));

const refusalUrl = (
  returnTo: lifecycle.ReturnTo,
  { code, message }: Pick<lifecycle.OAuthError, 'code' | 'message'>,
): string => lifecycle.answerUrl(returnTo, { error: code, error_description: message });

const createGrants = oneByOne(async (tx, grant: store.NewGrant): Promise<undefined> => {
  await store.insertGrant(tx, grant);
});

interface Token {
  readonly token: string;
  readonly scopes: readonly string[];
}

/** Changes codes into tokens, each once; undefined where there is nothing to have for it. */
const exchangeCodes = oneByOne(
  async (tx, exchange: lifecycle.Exchange, { now }: Work<Context>): Promise<Token | undefined> => {
    const grant = await store.lockGrant(tx, digestOf(exchange.code));
    if (!grant || !lifecycle.isRightful(grant, exchange)) return undefined;
    const { id, scopes } = grant;
    if (grant.tokenDigest !== null) {
      // RFC 6749, 4.1.2: one of the two has it from somebody else.
      await store.revokeGrant(tx, id);
      return undefined;
    }
    if (grant.expires <= now || grant.isRevoked) return undefined;
    const token = newSecret();
    await store.giveToken(tx, { id, tokenDigest: digestOf(token), expires: later(now, tokenLastsMs) });
    return { token, scopes };
  },
);

const invalidToken = (): lifecycle.OAuthError =>
  new OAuthError('invalid_token', 'no credentials can be had for this token');

/** The credentials of a token: a client of the person, made the first time. While the token lasts, they may be had again. */
const credentialsFor = async (context: Context, { authorization }: IncomingHttpHeaders) => {
  const { db, clock, auth } = context;
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
  const grant = token === undefined ? undefined : await store.findGrant(db, digestOf(token));
  const now = clock.now();
  if (!grant || grant.isRevoked || grant.expires <= now || grant.clientExpires <= now) throw invalidToken();
  const { id, clientId, grantor, thirdParty, scopes, clientExpires } = grant;
  if (!(await stillHolds(context, grant)) || !(await store.noteClient(db, { id, now }))) throw invalidToken();
  const definition = {
    description: `Made by ${grantor} for the site ${thirdParty}`,
    expires: clientExpires.toJSON(),
    scopes: [...scopes],
    deleteOnExpiration: true,
  };
  const caller = { ...(await auth.callerWithRoles([])), clientId: grantor };
  const client = await auth
    // That the person holds these scopes is checked above, not that of everybody who asks.
    .createClient(clientId, definition, { caller, authorize: () => {} })
    .catch((error: unknown) => {
      throw error instanceof RequestError ? invalidToken() : error;
    });
  return { expires: client.expires, credentials: { clientId, accessToken: client.accessToken } };
};

/** Disables clients that have what their person holds no more, and those of revoked grants; returns how many it looked at. */
export const checkClients = async (context: Context, limit: number): Promise<number> => {
  const { db, clock, auth } = context;
  const now = clock.now();
  const grants = await store.takeUnchecked(db, { now, before: later(now, -checkedEachMs), limit });
  for (const grant of grants) {
    if (!grant.isRevoked && (await stillHolds(context, grant))) continue;
    const by = { caller: await auth.callerWithRoles([]), authorize: () => {} };
    await auth.disableClient(grant.clientId, by).catch((error: unknown) => {
      // It was deleted, or has never been made.
      if (!(error instanceof RequestError && error.code === 'ResourceNotFound')) throw error;
    });
  }
  return grants.length;
};

const statuses: Partial<Record<lifecycle.OAuthCode, number>> = {
  unauthorized_client: 403,
  invalid_client: 401,
  invalid_token: 401,
};

/** Replies to a site in the words of RFC 6749. */
const toSite = async (answer: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    const { code, message } = error;
    const headers: Record<string, string> =
      code === 'invalid_token' ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {};
    return new Reply(statuses[code] ?? 400, { error: code, error_description: message }, headers);
  }
};

const sentTo = (url: string): Reply => new Reply(303, `See ${url}\n`, { location: url });

/** Sends a browser on to the page that asks its person, or back to the site that has asked wrongly. */
const authorize = async ({ registered, rootUrl }: Context, { url }: SignedRequest): Promise<Reply> => {
  const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  if (query.length > queryCharactersMax) throw new OAuthError('invalid_request', 'the query is too long');
  try {
    lifecycle.readRequest(registered, new URLSearchParams(query));
  } catch (error) {
    if (error instanceof OAuthError && error.returnTo) return sentTo(refusalUrl(error.returnTo, error));
    throw error;
  }
  return sentTo(`${rootUrl()}/third-party?query=${encodeURIComponent(query)}`);
};

const verbs = { createGrants: alone(createGrants), exchangeCodes: alone(exchangeCodes) };

/** The verbs of third parties, bound to what they were opened with. */
export const thirdPartyVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  return {
    /** What a site would get. */
    describeThirdParty: (asking: Asking) => describe(context, asking),
    /** The person's decision; returns where the browser goes with it. */
    admitThirdParty: (asking: Asking & { readonly isAllowed: boolean }) =>
      decide(context, bound.createGrants.one, asking),
    authorizeThirdParty: (request: SignedRequest) => toSite(() => authorize(context, request)),
    exchangeCode: ({ headers, payload }: SignedRequest) =>
      toSite(async () => {
        const exchange = lifecycle.readExchange(headers['content-type'], payload);
        if (!context.registered.some(({ clientId }) => clientId === exchange.clientId))
          throw new OAuthError('invalid_client', 'no site is registered by this client_id');
        const given = await bound.exchangeCodes.one(exchange);
        if (!given) throw new OAuthError('invalid_grant', 'the code does not hold, or not for this request');
        return tokenReply(given.token, given.scopes);
      }),
    credentialsForToken: ({ headers }: SignedRequest) => toSite(() => credentialsFor(context, headers)),
  };
};

export type ThirdPartyVerbs = ReturnType<typeof thirdPartyVerbs>;

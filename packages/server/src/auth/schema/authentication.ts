import { type Static, Type } from 'typebox';
import { distinct, exactly, oneOf, publish } from '../../http/index.ts';
import { ClientId, Scope, Scopes, when } from './words.ts';

const { Integer, Optional, String: Text } = Type;

export const ScopeList = exactly({ scopes: Scopes }, { title: 'Scopes' });
export type ScopeList = Static<typeof ScopeList>;
export const scopesetSchema = publish('auth', 'scopeset', ScopeList);

// The methods of HTTP as proxies and frameworks name them.
const httpMethods = [
  ...['get', 'post', 'put', 'head', 'delete', 'options', 'trace', 'copy', 'lock', 'mkcol', 'move', 'purge'],
  ...['propfind', 'proppatch', 'unlock', 'report', 'mkactivity', 'checkout', 'merge', 'm-search', 'notify'],
  ...['subscribe', 'unsubscribe', 'patch', 'search', 'connect'],
];

export const AuthenticateHawkRequest = exactly(
  {
    method: oneOf(httpMethods, { description: 'In lower case.' }),
    resource: Text({ description: 'Path and query, exactly as they were sent.' }),
    host: Text({
      format: 'hostname',
      description: 'The name that the request was sent to, without the port.',
    }),
    port: Integer({ minimum: 0, maximum: 65535, description: 'The port that the caller used.' }),
    authorization: Optional(Text({ description: 'The Authorization header, where there was one.' })),
    sourceIp: Optional(
      Type.Unsafe<string>({
        type: 'string',
        oneOf: [{ format: 'ipv6' }, { format: 'ipv4' }],
        description: 'Where the request came from; for logs only.',
      }),
    ),
  },
  { title: 'Request to examine' },
);
export type AuthenticateHawkRequest = Static<typeof AuthenticateHawkRequest>;
export const authenticateHawkRequest = publish('auth', 'authenticate-hawk-request', AuthenticateHawkRequest);

const reliableUntil = when('Until when this answer may be relied on.');

// A reply must match exactly one of these; `oneOf` says so in the published schema.
const authenticated = exactly(
  {
    status: Type.Unsafe<'auth-success'>({ type: 'string', enum: ['auth-success'] }),
    scheme: Type.Unsafe<'hawk'>({ type: 'string', enum: ['hawk'] }),
    clientId: ClientId,
    scopes: Scopes,
    expires: reliableUntil,
    hash: Optional(
      Type.Unsafe<unknown>({ description: 'The hash of the body that was signed. It is yours to check.' }),
    ),
  },
  { title: 'Signed by a client' },
);
const anonymous = exactly(
  {
    status: Type.Unsafe<'no-auth'>({ type: 'string', enum: ['no-auth'] }),
    scheme: Type.Unsafe<'none'>({ type: 'string', enum: ['none'] }),
    scopes: Scopes,
    expires: reliableUntil,
  },
  { title: 'Not signed' },
);
const failed = exactly(
  {
    status: Type.Unsafe<'auth-failed'>({ type: 'string', enum: ['auth-failed'] }),
    message: Text({ description: 'Why the signature is refused.' }),
  },
  { title: 'Wrongly signed' },
);
export type AuthenticateHawkResponse =
  | Static<typeof authenticated>
  | Static<typeof anonymous>
  | Static<typeof failed>;
export const authenticateHawkResponse = publish(
  'auth',
  'authenticate-hawk-response',
  Type.Unsafe<AuthenticateHawkResponse>({
    title: 'Who signed a request',
    oneOf: [authenticated, failed, anonymous],
  }),
);

export const TestAuthenticateRequest = exactly(
  {
    clientScopes: distinct(Scope, { default: [], description: 'The scopes of the make-believe client.' }),
    requiredScopes: distinct(Scope, { default: [], description: 'The scopes that the call should need.' }),
  },
  { title: 'Authentication to try' },
);
export type TestAuthenticateRequest = Static<typeof TestAuthenticateRequest>;
export const testAuthenticateRequest = publish('auth', 'test-authenticate-request', TestAuthenticateRequest);

export const TestAuthenticateResponse = exactly(
  {
    clientId: ClientId,
    scopes: distinct(Scope, { default: [], description: 'The scopes that the call had.' }),
  },
  { title: 'Authentication that was tried' },
);
export type TestAuthenticateResponse = Static<typeof TestAuthenticateResponse>;
export const testAuthenticateResponse = publish(
  'auth',
  'test-authenticate-response',
  TestAuthenticateResponse,
);

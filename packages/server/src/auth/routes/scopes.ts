import {
  authenticateHawkRequest,
  authenticateHawkResponse,
  scopesetSchema,
  testAuthenticateRequest,
  testAuthenticateResponse,
} from '../schema/index.ts';
import { testByGet } from '../service/signed-requests.ts';
import { endpoint } from './endpoint.ts';

const category = 'Scopes and Auth';
const stability = 'stable';

export const scopeRoutes = [
  endpoint(
    {
      name: 'expandScopes',
      method: 'POST',
      path: '/scopes/expand',
      category,
      title: 'Expand scopes',
      description: 'The given scopes, with all that roles add to them.',
      stability,
      scopes: 'auth:expand-scopes',
      input: scopesetSchema,
      output: scopesetSchema,
    },
    ({ auth }, { body }) => auth.expandScopes(body),
  ),
  endpoint(
    {
      name: 'currentScopes',
      method: 'GET',
      path: '/scopes/current',
      category,
      title: 'Scopes of this call',
      description:
        'What the caller of this very request may do: credentials, their restrictions and roles considered.',
      stability,
      scopes: 'auth:current-scopes',
      output: scopesetSchema,
    },
    (_, { caller }) => ({ scopes: caller.scopes }),
  ),
  endpoint(
    {
      name: 'authenticateHawk',
      method: 'POST',
      path: '/authenticate-hawk',
      category,
      title: 'Examine a signed request',
      description: [
        'Says who signed a request, and with which scopes. Services that trust these credentials',
        'ask here, and so need to know no access token.',
      ].join('\n'),
      stability,
      // Nonces are not remembered, so anyone who sees a signature can use it for some time.
      secretInput: true,
      input: authenticateHawkRequest,
      output: authenticateHawkResponse,
    },
    ({ auth }, { body }) => auth.authenticateHawk(body),
  ),
  endpoint(
    {
      name: 'testAuthenticate',
      method: 'POST',
      path: '/test-authenticate',
      category,
      title: 'Try authentication',
      description: [
        'For those who write a client: sign this call as clientId `tester`, access token `no-secret`.',
        'Certificates and authorizedScopes count as they always do; the tester has `clientScopes`,',
        'and the call needs `requiredScopes`. Roles play no part.',
      ].join('\n'),
      stability,
      // Anyone may call this, with any scopes.
      bodyBytesMax: 16 * 2 ** 10,
      input: testAuthenticateRequest,
      output: testAuthenticateResponse,
    },
    ({ auth }, { request, body }) => auth.testAuthenticate(request, body),
  ),
  endpoint(
    {
      name: 'testAuthenticateGet',
      method: 'GET',
      path: '/test-authenticate-get/',
      category,
      title: 'Try authentication by GET',
      description: [
        'Like `testAuthenticate`, for signed URLs too. The tester has the scopes `test:*` and',
        '`auth:create-client:test:*`, and the call needs `test:authenticate-get`.',
      ].join('\n'),
      stability,
      output: testAuthenticateResponse,
    },
    ({ auth }, { request }) => auth.testAuthenticate(request, testByGet),
  ),
];

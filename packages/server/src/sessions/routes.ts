import { parameters, type Route, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { SessionVerbs } from './service.ts';

export interface SessionServices {
  readonly sessions: SessionVerbs;
}

const endpoint = routeFor<SessionServices>();
const about = { category: 'Sessions', stability: 'experimental' } as const;

/** The methods of the service `sessions`. */
export const routes: readonly Route<SessionServices>[] = [
  endpoint(
    {
      ...about,
      name: 'createSignInCode',
      method: 'POST',
      path: '/sign-in-codes',
      title: 'Create a code to sign in with',
      description:
        'A code, and a link that holds it, with which a browser signs in once as the client that asks, who must hold all ' +
        'scopes of this client: credentials that were narrowed cannot become the whole client again.',
      scopes: 'sessions:sign-in',
      output: schema.signInCode,
    },
    ({ sessions }, { caller }) => sessions.createSignInCode(caller),
  ),
  endpoint(
    {
      ...about,
      name: 'signIn',
      method: 'POST',
      path: '/sign-in',
      title: 'Sign in',
      description:
        'Begins a session for a code: sets the cookie of the session, and returns its first credentials. A code works once; ' +
        'a request that names its attempt may be repeated for two minutes, and gets the same session.',
      input: schema.signInRequest,
      output: schema.sessionCredentials,
      secretInput: true,
    },
    ({ sessions }, { body }) => sessions.signIn(body),
  ),
  endpoint(
    {
      ...about,
      name: 'renewCredentials',
      method: 'POST',
      path: '/credentials',
      title: 'Credentials of a session',
      description:
        'Credentials for the next 15 minutes for the session whose cookie the request carries; 401 without one.',
      output: schema.sessionCredentials,
    },
    ({ sessions }, { request }) => sessions.renewCredentials(request.headers),
  ),
  endpoint(
    {
      ...about,
      name: 'signOut',
      method: 'POST',
      path: '/sign-out',
      title: 'Sign out',
      description: 'Ends the session whose cookie the request carries, if it carries one.',
    },
    ({ sessions }, { request }) => sessions.signOut(request.headers),
  ),
  endpoint(
    {
      ...about,
      name: 'identityProviders',
      method: 'GET',
      path: '/identity-providers',
      title: 'Identity providers',
      description:
        'Where people may sign in with a browser: `/api/sessions/v1/sign-in/<name>?next=<page>` sends it there.',
      output: schema.identityProviders,
    },
    ({ sessions }) => sessions.identityProviders(),
  ),
  // Places that browsers are sent to, not methods that programs call.
  endpoint(
    {
      ...about,
      name: 'beginForeignSignIn',
      method: 'GET',
      path: '/sign-in/<provider>',
      params: { provider: parameters.identifier },
      query: { next: parameters.matching(/^.{1,2000}$/) },
      title: 'Sign in by an identity provider',
      description: 'Sends the browser to an identity provider.',
      output: 'blob',
      hidden: true,
    },
    ({ sessions }, { params, query: { next }, request: { headers } }) =>
      sessions.beginForeignSignIn(params.provider, { next, headers }),
  ),
  endpoint(
    {
      ...about,
      name: 'finishForeignSignIn',
      method: 'GET',
      path: '/callback/<provider>',
      params: { provider: parameters.identifier },
      anyQuery: true,
      title: 'Return from an identity provider',
      description: 'Begins a session, and sends the browser to the page that it wanted.',
      output: 'blob',
      hidden: true,
    },
    ({ sessions }, { params, request }) => sessions.finishForeignSignIn(params.provider, request),
  ),
];

import { type Route, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { ThirdPartyVerbs } from './service.ts';

export interface ThirdPartyServices {
  readonly thirdParties: ThirdPartyVerbs;
}

const endpoint = routeFor<ThirdPartyServices>();
const about = { category: 'Third parties', stability: 'experimental' } as const;

/** Methods of the service `sessions`: only what is below its path is sent the cookie of a session. */
export const thirdPartyRoutes: readonly Route<ThirdPartyServices>[] = [
  endpoint(
    {
      ...about,
      name: 'describeThirdParty',
      method: 'POST',
      path: '/third-party-requests',
      title: 'What another site asks for',
      description:
        'What a registered site would get of the person whose session it is: the scopes that it asks for and they hold.',
      input: schema.thirdPartyRequest,
      output: schema.thirdPartyView,
    },
    ({ thirdParties }, { body, request: { headers } }) =>
      thirdParties.describeThirdParty({ ...body, headers }),
  ),
  endpoint(
    {
      ...about,
      name: 'admitThirdParty',
      method: 'POST',
      path: '/third-party-decisions',
      title: 'Let another site have it, or not',
      description:
        'The decision of the person whose session it is. Returns where the browser is to go with it: to the site, with a ' +
        'code, with a token (the implicit flow), or with an error.',
      input: schema.thirdPartyDecision,
      output: schema.thirdPartyAnswer,
    },
    ({ thirdParties }, { body, request: { headers } }) => thirdParties.admitThirdParty({ ...body, headers }),
  ),
];

// Paths by which other programs know them.
const atRoot = { ...about, atRoot: true, hidden: true } as const;

/** Where sites send browsers, and ask for tokens and credentials. */
export const loginRoutes: readonly Route<ThirdPartyServices>[] = [
  endpoint(
    {
      ...atRoot,
      name: 'authorizeThirdParty',
      method: 'GET',
      path: '/login/oauth/authorize',
      anyQuery: true,
      output: 'blob',
      title: 'Ask somebody for credentials',
      description: 'Sites send browsers here (RFC 6749, section 4.1.1).',
    },
    ({ thirdParties }, { request }) => thirdParties.authorizeThirdParty(request),
  ),
  endpoint(
    {
      ...atRoot,
      name: 'exchangeCode',
      method: 'POST',
      path: '/login/oauth/token',
      signedByOthers: true,
      bodyBytesMax: 16_384,
      output: 'blob',
      title: 'Change a code into a token',
      description: 'Sites do so (RFC 6749, section 4.1.3).',
    },
    ({ thirdParties }, { request }) => thirdParties.exchangeCode(request),
  ),
  endpoint(
    {
      ...atRoot,
      name: 'credentialsForToken',
      method: 'GET',
      path: '/login/oauth/credentials',
      output: 'blob',
      title: 'Credentials for a token',
      description: 'The credentials that a token is for.',
    },
    ({ thirdParties }, { request }) => thirdParties.credentialsForToken(request),
  ),
];

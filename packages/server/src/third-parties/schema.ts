import { type Static, Type } from 'typebox';
import { DateTime, exactly, oneOf, publish } from '../http/index.ts';

const { String: Text, Optional } = Type;

/** Sites that may ask people for credentials. */
export const RegisteredClients = Type.Array(
  exactly({
    clientId: Text({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9!@/:.+|_-]+$' }),
    responseType: oneOf(['code', 'token']),
    scope: Type.Array(Text({ minLength: 1, pattern: '^[!-~]+$' })),
    redirectUri: Type.Array(Text({ pattern: '^https?://[!"$-~]+$' }), { minItems: 1 }),
    whitelisted: Optional(Type.Boolean()),
    requirePkce: Optional(Type.Boolean()),
    maxExpires: Text({
      pattern:
        '^\\s*(\\d+\\s*(years?|y|months?|mo|weeks?|w|days?|d|hours?|h|minutes?|min|m|seconds?|sec|s)\\s*)+$',
    }),
  }),
);
export type RegisteredClient = Static<typeof RegisteredClients>[number];

const asked = {
  query: Text({
    minLength: 1,
    maxLength: 8000,
    description: 'The query that the site has sent the browser to `/login/oauth/authorize` with.',
  }),
};

export const thirdPartyRequest = publish(
  'sessions',
  'third-party-request',
  exactly(asked, { title: 'What a site asks somebody for' }),
);

export const thirdPartyView = publish(
  'sessions',
  'third-party-view',
  exactly(
    {
      thirdParty: Text({ description: 'The name by which the site is registered.' }),
      redirectUri: Text({ description: 'Where the browser goes back to.' }),
      clientId: Text({ description: 'Who is signed in.' }),
      scopes: Type.Array(Text(), { description: 'What the site would get: asked for, and held.' }),
      expires: DateTime,
      isWhitelisted: Type.Boolean({ description: 'The person is not asked.' }),
    },
    { title: 'What a site would get' },
  ),
);

export const thirdPartyDecision = publish(
  'sessions',
  'third-party-decision',
  exactly({ ...asked, isAllowed: Type.Boolean() }, { title: 'Whether a site gets what it asks for' }),
);

export const thirdPartyAnswer = publish(
  'sessions',
  'third-party-answer',
  exactly({ url: Text({ description: 'Where the browser goes now.' }) }, { title: 'Answer for a site' }),
);

import { Type } from 'typebox';
import { DateTime, exactly, publish } from '../http/index.ts';

const { String: Text } = Type;

export const identityProviders = publish(
  'sessions',
  'identity-providers',
  exactly(
    {
      providers: Type.Array(
        exactly({
          name: Text({ description: 'In addresses, and what identities begin with.' }),
          title: Text({ description: 'What people call it.' }),
        }),
      ),
    },
    { title: 'Identity providers' },
  ),
);

export const SignInCode = exactly(
  {
    code: Text({ description: 'Works once.' }),
    url: Text({ format: 'uri', description: 'The page that signs in with the code.' }),
    clientId: Text({ description: 'Who is signed in by it.' }),
    expires: DateTime,
  },
  { title: 'Code to sign in with' },
);
export const signInCode = publish('sessions', 'sign-in-code', SignInCode);

export const signInRequest = publish(
  'sessions',
  'sign-in-request',
  exactly(
    {
      code: Text({ minLength: 1, maxLength: 200 }),
      attempt: Type.Optional(
        Text({
          minLength: 22,
          maxLength: 100,
          description:
            'A random text for this attempt, such as a slugid. With it the request may be repeated when no reply came.',
        }),
      ),
    },
    { title: 'Request to sign in' },
  ),
);

export const SessionCredentials = exactly(
  {
    clientId: Text(),
    credentials: exactly({ clientId: Text(), accessToken: Text(), certificate: Text() }),
    expires: Type.String({ format: 'date-time', description: 'Ask again before then.' }),
    sessionExpires: DateTime,
  },
  { title: 'Credentials of somebody who is signed in' },
);
export const sessionCredentials = publish('sessions', 'session-credentials', SessionCredentials);

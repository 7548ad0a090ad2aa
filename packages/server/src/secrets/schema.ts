import { type Static, Type } from 'typebox';
import { anyObject, ContinuationToken, distinct, exactly, publish } from '../http/index.ts';

const Secret = exactly(
  {
    secret: anyObject({ description: 'What is kept. It is encrypted before it is stored.' }),
    expires: Type.String({ format: 'date-time', description: 'From then on it cannot be read.' }),
  },
  { title: 'Secret' },
);
export type Secret = Static<typeof Secret>;
export const secret = publish('secrets', 'secret', Secret);

const SecretList = exactly(
  {
    secrets: distinct(Type.String({ description: 'The name of a secret.' })),
    continuationToken: Type.Optional(ContinuationToken),
  },
  { title: 'Page of names of secrets' },
);
export type SecretList = Static<typeof SecretList>;
export const secretList = publish('secrets', 'secret-list', SecretList);

/** The name is the key of the table, and an index of PostgreSQL takes no long texts. */
export const namePattern = /^[\x20-\x7e]{1,1000}$/;

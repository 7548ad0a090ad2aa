import { Type } from 'typebox';

/** Which messages a reader wants: those of an exchange whose routing key matches the pattern. */
export const Bindings = Type.Array(
  Type.Object(
    {
      exchange: Type.String({ description: 'Full name; `#` stands for every exchange.' }),
      routingKeyPattern: Type.String({
        description: '`*` stands for one word, `#` for any number of words.',
      }),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: 100 },
);

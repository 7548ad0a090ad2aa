import { type Static, type TSchema, Type } from 'typebox';

/** The properties of a setting besides its JSON schema. */
export interface Facts {
  readonly description: string;
  readonly env: string;
  readonly default?: string | number | boolean;
  /** Whether the value is never printed, neither in a log nor in an error. */
  readonly secret?: true;
  /** A description of valid values, when the schema's own messages are not enough. */
  readonly expects?: string;
}

export const text = (facts: Facts) => Type.String({ minLength: 1, ...facts });
export const optionalText = (facts: Facts) => Type.Optional(text(facts));
export const optionalUrl = (protocols: string, expects: string, facts: Facts) =>
  Type.Optional(Type.String({ pattern: `^(${protocols})://[^/]+`, expects, ...facts }));
export const url = (facts: Facts) =>
  Type.String({
    pattern: '^https?://[^/]+',
    expects: 'a URL that starts with http:// or https://',
    ...facts,
  });
export const whole = (minimum: number, maximum: number, facts: Facts) =>
  Type.Integer({ minimum, maximum, ...facts });
export const choice = <const T extends string>(values: readonly T[], facts: Facts) =>
  Type.Enum([...values], { ...facts });
/** A structured setting: YAML in a file, JSON in the environment. */
export const structured = <Schema extends TSchema>(
  schema: Schema,
  facts: Facts & { readonly expects: string },
) => Type.Optional(Type.Unsafe<Static<Schema>>({ ...schema, ...facts }));
export const toggle = (facts: Facts) => Type.Boolean({ ...facts });

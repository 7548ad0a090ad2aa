import { Type } from 'typebox';

/** What a setting says of itself besides its schema: its variable, its meaning, and, if it has a pattern, what fits it. */
export const setting = (env: string, description: string, expects?: string) => ({
  env,
  description,
  ...(expects === undefined ? {} : { expects }),
});
export const whole = (env: string, description: string, { minimum = 0, maximum = 31_536_000 } = {}) =>
  Type.Integer({ minimum, maximum, ...setting(env, description) });
export const identifier = (env: string, description: string) =>
  Type.String({
    pattern: '^[a-zA-Z0-9-_]{1,38}$',
    ...setting(env, description, 'up to 38 letters, digits, - and _'),
  });
export const optionalUrl = (env: string, description: string) =>
  Type.Optional(
    Type.String({ pattern: '^https?://[^/]+', ...setting(env, description, 'an http:// or https:// URL') }),
  );
export const paths = (env: string, description: string) =>
  Type.Array(Type.String(), setting(env, `${description} Split by colons.`));

/** The schema of a setting, as far as messages tell of it. */
export interface SettingShape {
  readonly env: string;
  readonly description: string;
  readonly expects?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: SettingShape;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** What a setting must be, in words, as in "must be a whole number from 1 to 255". */
export const expectationOf = (shape: SettingShape): string => {
  if (shape.expects !== undefined) return shape.expects;
  if (shape.enum) return `one of ${shape.enum.join(', ')}`;
  if (shape.type === 'integer') return `a whole number from ${shape.minimum} to ${shape.maximum}`;
  if (shape.type === 'number')
    return `a number above ${shape.exclusiveMinimum}, and at most ${shape.maximum}`;
  if (shape.type === 'boolean') return 'true or false';
  if (shape.type === 'array')
    return shape.items?.enum ? `a list of ${shape.items.enum.join(', ')}` : 'a list of texts';
  return 'a text that is not empty';
};

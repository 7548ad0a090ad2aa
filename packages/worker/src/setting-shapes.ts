import { Type } from 'typebox';

/** What a setting says of itself besides its schema: its variable, and its meaning. */
export const setting = (env: string, description: string) => ({ env, description });
export const whole = (env: string, description: string, { minimum = 0, maximum = 31_536_000 } = {}) =>
  Type.Integer({ minimum, maximum, ...setting(env, description) });
export const identifier = (env: string, description: string) =>
  Type.String({ pattern: '^[a-zA-Z0-9-_]{1,38}$', ...setting(env, description) });
export const optionalUrl = (env: string, description: string) =>
  Type.Optional(Type.String({ pattern: '^https?://[^/]+', ...setting(env, description) }));
export const paths = (env: string, description: string) =>
  Type.Array(Type.String(), setting(env, `${description} Split by colons.`));

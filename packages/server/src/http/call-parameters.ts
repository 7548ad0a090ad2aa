import { RequestError } from '../base/index.ts';
import { isStorable } from './body.ts';
import type { Contract } from './contract.ts';

/** The URL's parameters as values. One that does not match its pattern is refused with 400. */
export const parseParams = (
  { params: expected = {} }: Contract,
  given: Record<string, string>,
): Record<string, unknown> => {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(given)) {
    const parameter = expected[name];
    if (parameter && !parameter.pattern.test(text)) {
      throw new RequestError(
        'InvalidRequestArguments',
        `URL parameter '${name}' given as '${text}' must match ${parameter.pattern}`,
      );
    }
    if (!isStorable(text)) {
      throw new RequestError('InvalidRequestArguments', `URL parameter '${name}' holds a NUL character.`);
    }
    // RFC 3986, 5.2.4: clients remove it from the path, encoded or not, so what is stored under such a name is unreachable.
    if (text === '.' || text === '..') {
      throw new RequestError('InvalidRequestArguments', `URL parameter '${name}' cannot be '${text}'.`);
    }
    values[name] = parameter ? parameter.parse(text) : text;
  }
  return values;
};

/** The query's parameters as values. An unknown, repeated or wrong one is refused with 400. */
export const parseQuery = (
  { query: expected = {}, anyQuery }: Contract,
  given: Record<string, string | string[]>,
): Record<string, unknown> => {
  const values: Record<string, unknown> = {};
  if (anyQuery) return values;
  for (const [name, text] of Object.entries(given)) {
    if (name === 'bewit') continue;
    const parameter = Object.hasOwn(expected, name) ? expected[name] : undefined;
    if (!parameter) {
      throw new RequestError(
        'InvalidRequestArguments',
        `Query parameter ${name} is not supported by this method.`,
      );
    }
    if (typeof text !== 'string' || !parameter.pattern.test(text) || !isStorable(text)) {
      throw new RequestError(
        'InvalidRequestArguments',
        `Query parameter ${name} must be given once and match ${parameter.pattern}`,
      );
    }
    values[name] = parameter.parse(text);
  }
  return values;
};

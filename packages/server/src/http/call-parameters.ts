import { RequestError } from '../base/index.ts';
import { isStorable } from './body.ts';
import type { Contract } from './contract.ts';

/** The URL's parameters as values; one that does not match its pattern is a 400 that names it. */
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
    // RFC 3986, 5.2.4: clients take it out of the path, encoded or not. What is kept under it could not be reached again.
    if (text === '.' || text === '..') {
      throw new RequestError('InvalidRequestArguments', `URL parameter '${name}' cannot be '${text}'.`);
    }
    values[name] = parameter ? parameter.parse(text) : text;
  }
  return values;
};

/** The query's parameters as values; an unknown, a repeated or a wrong one is a 400 that names it. */
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

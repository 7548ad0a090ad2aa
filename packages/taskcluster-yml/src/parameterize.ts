import { isFields } from './template/index.ts';

/** What `{{ … }}` may name: values, functions without an argument, and functions of what is before a `|`. */
export type Parameters = Readonly<Record<string, unknown>>;

// A whole string of one expression becomes its value, of whatever type.
const whole = /^\{\{[^}]+\}\}$/;
const parts = /\{\{([^}]*)\}\}/g;
const quoted = /"([^"]*)"|'([^']*)'/;

const unknown = Symbol('unknown');

const own = (parameters: Parameters, name: string): unknown =>
  Object.hasOwn(parameters, name) ? parameters[name] : undefined;

const first = (text: string, parameters: Parameters): unknown => {
  const literal = quoted.exec(text);
  if (literal) return literal[1] ?? literal[2] ?? '';
  const found = own(parameters, text.trim());
  if (typeof found === 'function') return found();
  return found === undefined ? unknown : found;
};

/** The value of `name | function | function`; `unknown` when one of them is no parameter. */
const evaluate = (expression: string, parameters: Parameters): unknown => {
  const [start = '', ...modifiers] = expression.split('|');
  return modifiers.reduce<unknown>(
    (value, modifier) => {
      const change = own(parameters, modifier.trim());
      return value === unknown || typeof change !== 'function' ? unknown : change(value);
    },
    first(start, parameters),
  );
};

const inText = (text: string, parameters: Parameters): unknown => {
  if (whole.test(text)) {
    const value = evaluate(text.slice(2, -2), parameters);
    return value === unknown ? text : value;
  }
  return text.replace(parts, (original, expression: string) => {
    const value = evaluate(expression, parameters);
    return value === unknown ? original : String(value);
  });
};

/**
 * Version 0's templates (the package json-parameterization 0.2): `{{ … }}` in strings and keys of a value, at any
 * depth. An expression that names something unknown is left as it is written.
 */
export const parameterize = (value: unknown, parameters: Parameters): unknown => {
  if (typeof value === 'string') return inText(value, parameters);
  if (Array.isArray(value)) return value.map((item) => parameterize(item, parameters));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const named = inText(key, parameters);
      return [typeof named === 'string' ? named : key, parameterize(inner, parameters)];
    }),
  );
};

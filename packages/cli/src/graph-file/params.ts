import {
  type Fields,
  listOf,
  type Mistake,
  type Source,
  suggestion,
} from '@taskyard/taskcluster-yml/template';
import { parse } from 'yaml';

/** A declared parameter of a graph file. Without a default it must be given. */
export interface ParamDeclaration {
  readonly default?: unknown;
  readonly description?: string;
  readonly type?: ParamType;
  readonly values?: readonly unknown[];
}
export const paramTypes = ['string', 'number', 'integer', 'boolean', 'array', 'object'] as const;
export type ParamType = (typeof paramTypes)[number];

/** The values of all parameters, from the command line (`given`) or their defaults. */
export const readParams = (
  source: Source,
  declarations: Readonly<Record<string, ParamDeclaration>>,
  given: Readonly<Record<string, string>>,
): { params: Fields; mistakes: Mistake[] } => {
  const params: Record<string, unknown> = {};
  const mistakes = Object.keys(given)
    .filter((name) => !Object.hasOwn(declarations, name))
    .map((name) => {
      const hint = suggestion(name, Object.keys(declarations));
      return source.mistake(['params'], `--param ${name}: no such parameter is declared${hint}`);
    });
  for (const [name, declaration] of Object.entries(declarations)) {
    const text = given[name];
    const value = text === undefined ? declaration.default : parsedAs(text, typeOf(declaration));
    const wrong = problemOf(declaration, value, text);
    if (wrong === undefined) params[name] = value;
    else mistakes.push(source.mistake(['params', name], describe(name, text, wrong)));
  }
  return { params, mistakes };
};

const describe = (name: string, text: string | undefined, wrong: string): string =>
  text === undefined ? `parameter "${name}": ${wrong}` : `--param ${name}=${text}: ${wrong}`;

/** The type is the declared one, else that of the default, else that of the first allowed value. */
const typeOf = ({ type, default: value, values }: ParamDeclaration): ParamType =>
  type ?? kindOf(value ?? values?.[0] ?? '');

const kindOf = (value: unknown): ParamType => {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as ParamType;
  return typeof value === 'object' ? 'object' : 'string';
};

/** Strings are used as they are; anything else is parsed as YAML. */
const parsedAs = (text: string, type: ParamType): unknown => {
  if (type === 'string') return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
};

const problemOf = (
  declaration: ParamDeclaration,
  value: unknown,
  text: string | undefined,
): string | undefined => {
  const type = typeOf(declaration);
  if (value === undefined) return text === undefined ? 'has no default and must be given' : 'is empty';
  const fits = type === 'integer' ? Number.isSafeInteger(value) : value !== null && kindOf(value) === type;
  if (!fits) return `must be of type ${type}`;
  const { values } = declaration;
  if (values === undefined || values.some((allowed) => same(allowed, value))) return undefined;
  return `must be ${listOf(values.map(String))}`;
};

const same = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import { listOf, suggestion } from './mistakes.ts';
import { type Fields, isFields, type Path } from './values.ts';

/** What a schema refused: where in the value, and a sentence. */
export interface Refusal {
  readonly path: Path;
  readonly message: string;
}
export type Validate = (value: unknown) => Refusal[];

/** A check by JSON schema (draft 7) that tells all refusals in words for people. */
export const validatorOf = (schema: object): Validate => {
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true });
  ajvFormats.default(ajv);
  // Schemas that are served under an $id name a metaschema of their own; ours is draft 7 all the same.
  const { $id: _id, $schema: _metaschema, ...plain } = schema as Fields;
  const validate: ValidateFunction = ajv.compile(plain);
  return (value) =>
    validate(value)
      ? []
      : likeliest(validate.errors ?? [])
          .filter(isTelling)
          .map(refusalOf);
};

/**
 * A value that fits no branch of a union gets the errors of every branch. Only those of the branch that has
 * the fewest are kept: that is what was meant.
 */
const likeliest = (errors: readonly ErrorObject[]): readonly ErrorObject[] => {
  // The inner unions come first, so each is narrowed before the one around it.
  const union = errors.find(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  if (union === undefined) return errors;
  const branches = new Map<string, ErrorObject[]>();
  const others: ErrorObject[] = [];
  for (const error of errors) {
    if (error === union) continue;
    const branch = isAtOrBelow(error.instancePath, union.instancePath) && branchOf(error, union);
    if (branch) branches.set(branch, [...(branches.get(branch) ?? []), error]);
    else others.push(error);
  }
  const [closest] = [...branches.values()].sort((a, b) => a.length - b.length);
  return likeliest([...(closest ?? [{ ...union, keyword: 'union' }]), ...others]);
};

const isAtOrBelow = (path: string, ancestor: string): boolean =>
  path === ancestor || path.startsWith(`${ancestor}/`);

const branchOf = ({ schemaPath }: ErrorObject, union: ErrorObject): string | undefined =>
  schemaPath.startsWith(`${union.schemaPath}/`)
    ? schemaPath.slice(union.schemaPath.length + 1).split('/')[0]
    : undefined;

/** An `if`, or the name of a property, is only the frame around the error that tells what is wrong. */
const isTelling = ({ keyword }: ErrorObject): boolean => keyword !== 'if' && keyword !== 'propertyNames';

const refusalOf = (error: ErrorObject): Refusal => {
  const path = pathOf(error.instancePath);
  const name = path.length === 0 ? 'it' : path.join('.');
  const { params } = error as { params: Record<string, unknown> };
  if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties') {
    const key = String(params.additionalProperty ?? params.unevaluatedProperty);
    const { properties } = error.parentSchema as { properties?: Record<string, unknown> };
    const place = path.length === 0 ? '' : ` in ${name}`;
    const hint = suggestion(key, Object.keys(properties ?? {}));
    return { path: [...path, key], message: `unknown key "${key}"${place}${hint}` };
  }
  if (error.keyword === 'required') {
    return { path, message: `${[...path, String(params.missingProperty)].join('.')} is missing` };
  }
  if (error.keyword === 'enum') {
    return { path, message: `${name} must be ${listOf((params.allowedValues as unknown[]).map(String))}` };
  }
  if (error.keyword === 'const')
    return { path, message: `${name} must be ${JSON.stringify(params.allowedValue)}` };
  if (error.propertyName !== undefined) {
    return {
      path: [...path, error.propertyName],
      message: `the key "${error.propertyName}" ${error.message}`,
    };
  }
  const demand = error.keyword === 'type' ? `must be ${kinds(params.type)}` : error.message;
  return { path, message: `${name} ${demand}${shown(error.data)}` };
};

/** JSON schema's words for types, in YAML's. */
const kinds = (types: unknown): string =>
  [types]
    .flat()
    .map((type) => words[String(type)] ?? `of type ${type}`)
    .join(' or ');

const words: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
};

const shown = (value: unknown): string =>
  isFields(value) || Array.isArray(value) ? '' : `, not ${JSON.stringify(value)}`;

const pathOf = (pointer: string): Path =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^(0|[1-9]\d*)$/.test(step) ? Number(step) : step));

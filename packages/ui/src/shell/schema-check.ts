import type { Errors } from 'typebox/schema';
import { pointerStep } from './json-places.ts';

/** What is wrong with a part of an object, which a JSON pointer names. */
export interface Mistake {
  readonly pointer: string;
  readonly message: string;
}

/** Tells what is wrong with an object; nothing where it is as it should be. */
export type Check = (edited: unknown) => readonly Mistake[];

type Schema = Readonly<Record<string, unknown>>;

/** A schema that the server publishes, such as `worker-manager/v1/config-static`; undefined where there is none. */
export const publishedSchema = async (name: string, signal?: AbortSignal): Promise<Schema | undefined> => {
  const response = await fetch(`/schemas/${name}.json`, signal ? { signal } : {});
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`The schema ${name} cannot be read: HTTP status ${response.status}`);
  return (await response.json()) as Schema;
};

const part = (schema: unknown, step: string): unknown =>
  typeof schema === 'object' && schema !== null ? (schema as Schema)[step] : undefined;

/** The part of a schema at a path such as `#/properties/config`. */
const partAt = (schema: Schema, path: string): unknown =>
  path
    .split('/')
    .slice(1)
    .reduce(part, schema as unknown);

/** The server fills in what is not given and has a default. */
const hasDefault = (schema: Schema, path: string, property: string): boolean =>
  part(part(part(partAt(schema, path), 'properties'), property), 'default') !== undefined;

type Found = ReturnType<typeof Errors>[1][number];

const mistakesOf = (schema: Schema, error: Found): Mistake[] => {
  const { instancePath: pointer, schemaPath, message } = error;
  if (error.keyword === 'required')
    return error.params.requiredProperties
      .filter((property) => !hasDefault(schema, schemaPath, property))
      .map((property) => ({ pointer, message: `lacks ${property}` }));
  if (error.keyword === 'additionalProperties')
    return error.params.additionalProperties.map((property) => ({
      pointer: `${pointer}/${pointerStep(property)}`,
      message: 'is not known here',
    }));
  // A property that may not be there is reported above.
  if (error.keyword === 'boolean') return [];
  if (error.keyword === 'enum')
    return [{ pointer, message: `is none of ${error.params.allowedValues.join(', ')}` }];
  if (error.keyword === 'format')
    return [{ pointer, message: `is not of the format ${error.params.format}` }];
  return [{ pointer, message }];
};

/** Checks objects by a schema that the server publishes, as the server does. */
export const schemaCheck = async (schema: Schema): Promise<Check> => {
  const { Errors: errorsIn } = await import('typebox/schema');
  return (edited) => {
    const [isValid, errors] = errorsIn(schema, edited);
    return isValid ? [] : errors.flatMap((error) => mistakesOf(schema, error));
  };
};

/** Checks objects by the schema with this name, as the server does. */
export const publishedCheck = async (name: string): Promise<Check> => {
  const schema = await publishedSchema(name);
  return schema ? schemaCheck(schema) : () => [];
};

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import type { PublishedSchema } from './contract.ts';

// All errors at once, so that a caller mends a body in one go; defaults are written into the body.
const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  strict: false,
  validateSchema: false,
  logger: false,
});
(formats as unknown as (ajv: Ajv) => void)(ajv);

const compiled = new WeakMap<PublishedSchema, ValidateFunction>();

const validatorOf = (published: PublishedSchema): ValidateFunction => {
  let validate = compiled.get(published);
  if (!validate) {
    validate = ajv.compile(published.schema);
    compiled.set(published, validate);
  }
  return validate;
};

const describe = ({ instancePath, message, params, keyword }: ErrorObject): string => {
  const where = `body${instancePath.replaceAll('/', '.')}`;
  if (keyword === 'additionalProperties')
    return `${where} has the unknown property '${params.additionalProperty}'`;
  if (keyword === 'enum') return `${where} must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  return `${where} ${message ?? keyword}`;
};

/** What is wrong with a value, a sentence for each mistake, naming the field; empty when it fits. Fills in defaults. */
export const mistakesIn = (published: PublishedSchema, value: unknown): string[] => {
  const validate = validatorOf(published);
  return validate(value) ? [] : (validate.errors ?? []).map(describe);
};

/** Where a schema is served. */
export const schemaPath = ({ service, name }: PublishedSchema): string =>
  `/schemas/${service}/v1/${name}.json#`;

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { RequestError } from '../base/index.ts';
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

// The format knows leap seconds and hour 24 of offsets; what is stored is a time that JavaScript knows as well.
const rfc3339 = ajv.formats['date-time'] as { validate(text: string): boolean };
ajv.addFormat('date-time', (text) => rfc3339.validate(text) && !Number.isNaN(Date.parse(text)));

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

const [firstDate, lastDate] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

/** A time that PostgreSQL writes with a year of four digits; schemas let others pass. */
export const storableDate = (text: string, field: string): Date => {
  const date = new Date(text);
  if (date.getTime() >= firstDate && date.getTime() <= lastDate) return date;
  throw new RequestError('InputError', `${field} is '${text}', which is not a date that can be stored.`);
};

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { dateIn } from '../base/index.ts';
import type { PublishedSchema } from './contract.ts';

// Defaults are written into the body. All errors at once let a caller mend a body in one go; a large one may have
// millions, so there the first has to do.
const ajvs = [false, true].map((allErrors) => {
  const ajv = new Ajv({ allErrors, useDefaults: true, strict: false, validateSchema: false, logger: false });
  (formats as unknown as (ajv: Ajv) => void)(ajv);
  return ajv;
}) as [Ajv, Ajv];

// The format knows leap seconds, hour 24 of offsets and the year 0: what is a time here, one reader decides for all.
const rfc3339 = ajvs[0].formats['date-time'] as { validate(text: string): boolean };
const isDateTime = (text: string): boolean => rfc3339.validate(text) && dateIn(text) !== undefined;
for (const ajv of ajvs) ajv.addFormat('date-time', isDateTime);

const compiled = [false, true].map(() => new WeakMap<PublishedSchema, ValidateFunction>());

const validatorOf = (published: PublishedSchema, all: boolean): ValidateFunction => {
  const known = compiled[Number(all)] as WeakMap<PublishedSchema, ValidateFunction>;
  let validate = known.get(published);
  if (!validate) {
    validate = (ajvs[Number(all)] as Ajv).compile(published.schema);
    known.set(published, validate);
  }
  return validate;
};

const mistakesMax = 100;
const mistakeLengthMax = 500;

const short = (text: string): string =>
  text.length > mistakeLengthMax ? `${text.slice(0, mistakeLengthMax)}…` : text;

const describe = ({ instancePath, message, params, keyword }: ErrorObject): string => {
  const where = `body${instancePath.replaceAll('/', '.')}`;
  if (keyword === 'additionalProperties')
    return `${where} has the unknown property '${params.additionalProperty}'`;
  if (keyword === 'enum') return `${where} must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  return `${where} ${message ?? keyword}`;
};

/**
 * What is wrong with a value, a sentence for each mistake, naming the field; empty when it fits. Fills in defaults.
 * At most 100 are named; without `all` only the first is looked for.
 */
export const mistakesIn = (published: PublishedSchema, value: unknown, all = true): string[] => {
  const validate = validatorOf(published, all);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const named = errors.slice(0, mistakesMax).map((error) => short(describe(error)));
  return errors.length > mistakesMax ? [...named, `and ${errors.length - mistakesMax} more`] : named;
};

/** Where a schema is served. */
export const schemaPath = ({ service, name }: PublishedSchema): string =>
  `/schemas/${service}/v1/${name}.json#`;

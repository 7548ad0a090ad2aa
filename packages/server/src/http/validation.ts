import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { dateIn } from '../base/index.ts';
import type { PublishedSchema } from './contract.ts';

const ajvFor = (allErrors: boolean): Ajv => {
  const ajv = new Ajv({ allErrors, useDefaults: true, strict: false, validateSchema: false, logger: false });
  (formats as unknown as (ajv: Ajv) => void)(ajv);
  // The format knows leap seconds, hour 24 of offsets and the year 0: what is a time here, one reader decides for all.
  const rfc3339 = ajv.formats['date-time'] as { validate(text: string): boolean };
  return ajv.addFormat('date-time', (text) => rfc3339.validate(text) && dateIn(text) !== undefined);
};

/** Ends at the first mistake; defaults are written into the body. */
const checker = ajvFor(false);
/** Finds all mistakes, so that a caller mends a body in one go. */
const finder = ajvFor(true);

const validators = (ajv: Ajv) => {
  const compiled = new WeakMap<PublishedSchema, ValidateFunction>();
  return (published: PublishedSchema): ValidateFunction => {
    let validate = compiled.get(published);
    if (!validate) {
      validate = ajv.compile(published.schema);
      compiled.set(published, validate);
    }
    return validate;
  };
};

const [checkerOf, finderOf] = [validators(checker), validators(finder)];

const describe = ({ instancePath, message, params, keyword }: ErrorObject): string => {
  const where = `body${instancePath.replaceAll('/', '.')}`;
  if (keyword === 'additionalProperties')
    return `${where} has the unknown property '${params.additionalProperty}'`;
  if (keyword === 'enum') return `${where} must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  return `${where} ${message ?? keyword}`;
};

/** An error lists so many mistakes at most, each of so many characters. */
const mistakesMax = 50;
const mistakeCharactersMax = 500;

/** Of a value of more parts than this only the first mistake is told: to find all would take long, and much memory. */
const partsMax = 5000;

/**
 * What is wrong with a value, a sentence for each mistake, naming the field; empty when it fits. At most 50 sentences,
 * and the first alone where the value is large. Fills in defaults.
 */
export const mistakesIn = (published: PublishedSchema, value: unknown): string[] => {
  const check = checkerOf(published);
  if (check(value)) return [];
  const first = check.errors ?? [];
  const errors = hasFewParts(value) ? findAll(published, value) : first;
  const mistakes = (errors.length > 0 ? errors : first).slice(0, mistakesMax).map(describe).map(cut);
  return errors.length > mistakesMax ? [...mistakes, `and ${errors.length - mistakesMax} more`] : mistakes;
};

const findAll = (published: PublishedSchema, value: unknown): ErrorObject[] => {
  const find = finderOf(published);
  find(value);
  return find.errors ?? [];
};

const cut = (text: string): string =>
  text.length > mistakeCharactersMax ? `${text.slice(0, mistakeCharactersMax)}…` : text;

const hasFewParts = (value: unknown): boolean => {
  const waiting: unknown[] = [value];
  for (let i = 0; i < waiting.length; i++) {
    const part = waiting[i];
    if (typeof part !== 'object' || part === null) continue;
    const parts = Object.values(part);
    if (waiting.length + parts.length > partsMax) return false;
    waiting.push(...parts);
  }
  return true;
};

/** Where a schema is served. */
export const schemaPath = ({ service, name }: PublishedSchema): string =>
  `/schemas/${service}/v1/${name}.json#`;

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { dateIn, slices } from '../base/index.ts';
import type { PublishedSchema } from './contract.ts';

const ajvFor = (allErrors: boolean): Ajv => {
  const ajv = new Ajv({ allErrors, useDefaults: true, strict: false, validateSchema: false, logger: false });
  (formats as unknown as (ajv: Ajv) => void)(ajv);
  // The format allows leap seconds, hour 24 of offsets and the year 0, so one function decides what a time is.
  const rfc3339 = ajv.formats['date-time'] as { validate(text: string): boolean };
  return ajv.addFormat('date-time', (text) => rfc3339.validate(text) && dateIn(text) !== undefined);
};

/** Stops at the first mistake. Writes defaults into the body. */
const checker = ajvFor(false);
/** Finds all mistakes, so that a caller can correct a body at once. */
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

/** An error lists at most this many mistakes, each with at most this many characters. */
const mistakesMax = 50;
const mistakeCharactersMax = 500;

/** Of a value with more parts than this only the first mistake is reported: finding all takes much time and memory. */
const partsMax = 5000;

/**
 * The mistakes in a value: a sentence for each, which names the field; empty when the value is valid. At most 50
 * sentences, and only the first when the value is large. Fills in defaults.
 */
export const mistakesIn = (published: PublishedSchema, value: unknown): string[] => {
  const check = checkerOf(published);
  if (check(value)) return [];
  const first = check.errors ?? [];
  const errors = hasFewParts(value) ? findAll(published, value) : first;
  const mistakes = (errors.length > 0 ? errors : first).slice(0, mistakesMax).map(describe).map(cut);
  return errors.length > mistakesMax ? [...mistakes, `and ${errors.length - mistakesMax} more`] : mistakes;
};

/** A list with more items than this is checked item by item, in slices. */
const itemsAtOnceMax = 500;

/** A schema whose values have one list that may be large: the schema without that of its items, and that of an item. */
interface Split {
  readonly property: string;
  readonly envelope: PublishedSchema;
  readonly item: PublishedSchema;
}

interface ListSchema {
  readonly type?: string;
  readonly items?: object;
  readonly uniqueItems?: boolean;
}

const splits = new WeakMap<PublishedSchema, ReadonlyMap<string, Split>>();

/** A schema split at each of its lists. Lists with unique items are checked as a whole. */
const splitsOf = (published: PublishedSchema): ReadonlyMap<string, Split> => {
  const known = splits.get(published);
  if (known) return known;
  const schema = published.schema as { readonly properties?: Record<string, ListSchema> };
  const lists = Object.entries(schema.properties ?? {}).filter(
    ([, { type, items, uniqueItems }]) => type === 'array' && items && !uniqueItems,
  );
  const made = lists.map(([property, list]): [string, Split] => {
    const { items = {}, ...open } = list;
    const envelope = { ...schema, properties: { ...schema.properties, [property]: open } };
    return [
      property,
      {
        property,
        envelope: { ...published, schema: envelope },
        item: { ...published, schema: items },
      },
    ];
  });
  const found = new Map(made);
  splits.set(published, found);
  return found;
};

/** The large list in a value, if it has one. */
const largeListIn = (published: PublishedSchema, value: unknown): Split | undefined => {
  for (const [property, split] of splitsOf(published)) {
    const list = (value as Record<string, unknown>)[property];
    if (Array.isArray(list) && list.length > itemsAtOnceMax) return split;
  }
  return undefined;
};

/** Like {@link mistakesIn}, but a value with a large list is checked in slices and only its first mistake is reported. */
export const mistakesInSlices = async (published: PublishedSchema, value: unknown): Promise<string[]> => {
  const split = largeListIn(published, value);
  if (!split) return mistakesIn(published, value);
  const { property, envelope, item } = split;
  const [check, checkItem] = [checkerOf(envelope), checkerOf(item)];
  if (!check(value)) return (check.errors ?? []).map(describe).map(cut);
  const turns = slices();
  for (const [i, each] of (value as Record<string, unknown[]>)[property]?.entries() ?? []) {
    if (turns.isOver()) await turns.rest();
    if (checkItem(each)) continue;
    const errors = checkItem.errors ?? [];
    return errors
      .map((error) => describe({ ...error, instancePath: `/${property}/${i}${error.instancePath}` }))
      .map(cut);
  }
  return [];
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

/** The path of a published schema. */
export const schemaPath = ({ service, name }: PublishedSchema): string =>
  `/schemas/${service}/v1/${name}.json#`;

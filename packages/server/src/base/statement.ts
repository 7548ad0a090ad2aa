import pg from 'pg';
import { type ElementType, elementTypeIn } from './values.ts';

/** A column of a statement's rows. */
interface Column {
  /** In camel case. */
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

/** A statement, which each connection prepares once. */
export interface Statement {
  /** Unique in this process. */
  readonly name: string;
  readonly text: string;
  /** For each value: the type of its elements, if it is an array. */
  readonly elementTypes: readonly (ElementType | undefined)[];
  /** As PostgreSQL described them when a connection last prepared the statement. */
  columns: readonly Column[];
}

let statements = 0;

/** A statement with this text. `$1` stands for its first value. */
export const statementOf = (text: string, elementTypes: Statement['elementTypes'] = []): Statement => ({
  name: `s${++statements}`,
  text,
  elementTypes,
  columns: [],
});

/** What statements do about rows that others have locked: pass over them where they say so, or always wait. */
export type Locking = 'skip' | 'wait';

// The strings of a tagged template are one frozen object per place in the code: they identify the statement.
const prepared: Readonly<Record<Locking, WeakMap<TemplateStringsArray, Statement>>> = {
  skip: new WeakMap(),
  wait: new WeakMap(),
};

/** The statement of a tagged template. One that waits for locks has no `skip locked`. */
export const prepare = (strings: TemplateStringsArray, locking: Locking = 'skip'): Statement => {
  let statement = prepared[locking].get(strings);
  if (!statement) {
    const written = strings.reduce((sql, part, i) => (i === 0 ? part : `${sql}$${i}${part}`), '');
    const text = locking === 'wait' ? written.replaceAll(/\s+skip locked\b/g, '') : written;
    statement = statementOf(text, strings.slice(1).map(elementTypeIn));
    prepared[locking].set(strings, statement);
  }
  return statement;
};

/** Columns as PostgreSQL describes them. */
export const columnsFrom = (fields: readonly Pick<pg.FieldDef, 'name' | 'dataTypeID'>[]): Column[] =>
  fields.map(({ name, dataTypeID }) => ({
    name: camelCase(name),
    parse: parsers.get(dataTypeID) ?? pg.types.getTypeParser(dataTypeID, 'text'),
  }));

/** A row from the texts of its columns. */
export const rowOf = (
  columns: readonly Column[],
  texts: readonly (string | null)[],
): Record<string, unknown> => {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const { name, parse } = columns[i] as Column;
    const text = texts[i] ?? null;
    row[name] = text === null ? null : parse(text);
  }
  return row;
};

const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

// "2026-11-24 23:20:25.123+00": the session's time zone is UTC, so the offset is always +00.
const parseTimestamp = (text: string): Date =>
  text.charCodeAt(4) === hyphen && text.endsWith('+00')
    ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
    : parseRareTimestamp(text);

const hyphen = 0x2d;

/** Years of more than four digits, years before the year 1 ("0001-12-31 00:00:00+00 BC" is in the year 0), and no end. */
const parseRareTimestamp = (text: string): Date => {
  if (text.endsWith('infinity')) return new Date(text.startsWith('-') ? -8.64e15 : 8.64e15);
  const [, digits = '', rest = '', time = '', isBefore] = /^(\d+)(-\S+) (\S+)\+00( BC)?$/.exec(text) ?? [];
  const year = isBefore ? 1 - Number(digits) : Number(digits);
  const sign = year < 0 ? '-' : '+';
  return new Date(`${sign}${String(Math.abs(year)).padStart(6, '0')}${rest}T${time}Z`);
};

const asText = (text: string): string => text;
const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, Number],
  [pg.types.builtins.TIMESTAMPTZ, parseTimestamp],
  // Documents are stored and sent as text; only jsonb is parsed.
  [pg.types.builtins.JSON, asText],
]);

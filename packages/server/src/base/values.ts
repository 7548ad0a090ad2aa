import type { MessageWriter } from './message-writer.ts';

/** How PostgreSQL reads a value that was sent. */
export const formats = { text: 0, binary: 1 } as const;
export type Format = (typeof formats)[keyof typeof formats];

/** One of PostgreSQL's types, as an element of an array in the binary format. */
export interface ElementType {
  /** PostgreSQL's number of the type. */
  readonly oid: number;
  /** Whether a value can be sent so. PostgreSQL is to judge the text of any other. */
  fits(value: unknown): boolean;
  /** Writes a value after its length in bytes. */
  write(writer: MessageWriter, value: never): void;
}

const integerBetween = (min: number, max: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

/** PostgreSQL counts microseconds from 2000 on. */
const epochMs = Date.UTC(2000, 0);
const microsecondsOf = (date: Date): number => (date.getTime() - epochMs) * 1000;

const elementTypes: Readonly<Record<string, ElementType>> = {
  text: {
    oid: 25,
    fits: (value) => typeof value === 'string',
    write: (writer, value: string) => writer.measuredText(value),
  },
  smallint: {
    oid: 21,
    fits: integerBetween(-(2 ** 15), 2 ** 15 - 1),
    write: (writer, value: number) => {
      writer.int32(2);
      writer.int16(value);
    },
  },
  int: {
    oid: 23,
    fits: integerBetween(-(2 ** 31), 2 ** 31 - 1),
    write: (writer, value: number) => {
      writer.int32(4);
      writer.int32(value);
    },
  },
  bigint: {
    oid: 20,
    fits: Number.isSafeInteger,
    write: (writer, value: number) => {
      writer.int32(8);
      writer.int64(value);
    },
  },
  float8: {
    oid: 701,
    fits: (value) => typeof value === 'number',
    write: (writer, value: number) => {
      writer.int32(8);
      writer.float64(value);
    },
  },
  timestamptz: {
    oid: 1184,
    fits: (value) => value instanceof Date && Number.isSafeInteger(microsecondsOf(value)),
    write: (writer, value: Date) => {
      writer.int32(8);
      writer.int64(microsecondsOf(value));
    },
  },
};

/** The type of an array's elements, by what follows its place in a statement, as in `::text[]`; undefined for any other. */
export const elementTypeIn = (after: string): ElementType | undefined => {
  const [, name = ''] = /^::(\w+)\[\]/.exec(after) ?? [];
  return Object.hasOwn(elementTypes, name) ? elementTypes[name] : undefined;
};

/** The format in which a value is sent. */
export const formatOf = (value: unknown, elementType?: ElementType): Format => {
  if (value instanceof Uint8Array) return formats.binary;
  const fits = (one: unknown) => isNull(one) || elementType?.fits(one);
  return elementType && Array.isArray(value) && value.every(fits) ? formats.binary : formats.text;
};

/** Writes a value of a statement in its format, after its length in bytes. */
export const writeValue = (
  writer: MessageWriter,
  value: unknown,
  { format, elementType }: { format: Format; elementType?: ElementType | undefined },
): void => {
  if (isNull(value)) writer.int32(-1);
  else if (format === formats.text) writer.measuredText(textOf(value));
  else if (elementType) writer.measured(() => writeArray(writer, value as unknown[], elementType));
  else writer.measured(() => writer.bytes(value as Uint8Array));
};

const isNull = (value: unknown): boolean => value === null || value === undefined;

/** An array of one dimension, or of none when it is empty; its first index is 1. Needs no escapes, unlike its text. */
const writeArray = (writer: MessageWriter, values: readonly unknown[], type: ElementType): void => {
  writer.int32(values.length === 0 ? 0 : 1);
  writer.int32(values.some(isNull) ? 1 : 0);
  writer.int32(type.oid);
  if (values.length === 0) return;
  writer.int32(values.length);
  writer.int32(1);
  for (const value of values) {
    if (isNull(value)) writer.int32(-1);
    else type.write(writer, value as never);
  }
};

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return dateText(value);
  if (Array.isArray(value)) return arrayText(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const arrayText = (values: readonly unknown[]): string => `{${values.map(elementText).join(',')}}`;

const elementText = (value: unknown): string => {
  if (isNull(value)) return 'NULL';
  return Array.isArray(value) ? arrayText(value) : quoted(textOf(value));
};

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/** PostgreSQL writes years of more than four digits without a sign, and those before the year 1 with "BC". */
const dateText = (date: Date): string => {
  const year = date.getUTCFullYear();
  if (Number.isNaN(year)) return String(date);
  const text = date.toISOString();
  if (year >= 1 && year <= 9999) return text;
  const ofYear = text.replace(/^[+-]?\d+/, '');
  return year < 1 ? `${String(1 - year).padStart(4, '0')}${ofYear} BC` : `${year}${ofYear}`;
};

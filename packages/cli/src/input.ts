import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fromNow } from '@taskyard/client';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';

const readAll = async (stream: Readable): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
};

const readFrom = async ({ stdin }: Io, file: string): Promise<string> => {
  if (file === '-') return readAll(stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read: ${(error as Error).message}`);
  }
};

/** Reads an object from a file in JSON or YAML, or from standard input when the file is `-`. */
export const readDocument = async (io: Io, file: string): Promise<Record<string, unknown>> => {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(await readFrom(io, file));
  const [mistake] = document.errors;
  if (mistake) throw new CommandError(exitCodes.usage, `${file}: ${mistake.message}`);
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandError(exitCodes.usage, `${file} does not contain an object.`);
  }
  return value as Record<string, unknown>;
};

/** Collects repeated `name=value` options; for commander. */
export const collectPairs = (pair: string, collected: Record<string, string>): Record<string, string> => {
  const at = pair.indexOf('=');
  if (at < 1) throw new CommandError(exitCodes.usage, `"${pair}" must be written as name=value.`);
  return { ...collected, [pair.slice(0, at)]: pair.slice(at + 1) };
};

/** A whole number on a command line; for commander. */
export const wholeNumber = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new CommandError(exitCodes.usage, `"${text}" is not a whole number.`);
  return Number(text);
};

/** A time on a command line: a date, or a time from now such as "2 weeks"; for commander. */
export const dateOption = (text: string): Date => {
  const date = /^\d{4}-/.test(text) ? new Date(text) : periodFromNow(text);
  if (Number.isNaN(date.getTime())) throw new CommandError(exitCodes.usage, `"${text}" is not a date.`);
  return date;
};

const periodFromNow = (text: string): Date => {
  try {
    return fromNow(text);
  } catch (error) {
    throw new CommandError(exitCodes.usage, (error as Error).message);
  }
};

/** Collects an option that may be repeated; for commander. */
export const collectTexts = (text: string, collected: readonly string[]): readonly string[] => [
  ...collected,
  text,
];

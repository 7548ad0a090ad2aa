import type { Readable, Writable } from 'node:stream';
import { stripVTControlCharacters, styleText } from 'node:util';
import stringWidth from 'string-width';
import type { Environment } from './config.ts';

export type Output = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** What a command may touch of the world around it. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Readable;
  readonly environment: Environment;
  /** Calls the handler for each request to end (Ctrl-C, SIGTERM). Returns how to stop listening. */
  readonly onInterrupt: (handler: () => void) => () => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => never;
  /** Tells how the command ends; the last word counts. */
  readonly setExitCode: (code: number) => void;
}

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Colours text for this output, or leaves it plain. */
export const paintFor = ({ environment }: Io, output: Output): Paint => {
  const isColoured = environment.colours ?? output.isTTY === true;
  return isColoured ? (style, text) => styleText(style, text) : (_style, text) => text;
};

/** A line for people. */
export const say = ({ stdout }: Io, text: string): void => {
  stdout.write(`${text}\n`);
};

/** A line for people that is no part of the result. */
export const remark = ({ stderr }: Io, text: string): void => {
  stderr.write(`${text}\n`);
};

/** A result for programs: JSON, indented. */
export const sayJson = (io: Io, value: unknown): void => say(io, JSON.stringify(value ?? null, null, 2));

/** One JSON object in one line, for results that come one by one. */
export const sayJsonLine = (io: Io, value: unknown): void => say(io, JSON.stringify(value));

/** Text from strangers without its control sequences: it must not steer the reader's terminal. */
export const harmless = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');

/** Columns of text, coloured or not, aligned, two blanks apart. */
export const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, stringWidth(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - stringWidth(cell)))
      .join('  ')
      .trimEnd(),
  );
};

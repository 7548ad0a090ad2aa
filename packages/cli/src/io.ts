import type { Readable, Writable } from 'node:stream';
import { stripVTControlCharacters, styleText } from 'node:util';
import stringWidth from 'string-width';
import type { Environment } from './config.ts';

export type Output = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** The surroundings of a command. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Readable;
  readonly environment: Environment;
  /** Calls the handler for each request to end (Ctrl-C, SIGTERM). Returns a function that stops that. */
  readonly onInterrupt: (handler: () => void) => () => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => never;
  /** Sets the exit status of the command; the last call counts. */
  readonly setExitCode: (code: number) => void;
}

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Colors text for this output, or leaves it plain. */
export const paintFor = ({ environment }: Io, output: Output): Paint => {
  const isColoured = environment.colours ?? output.isTTY === true;
  return isColoured ? (style, text) => styleText(style, text) : (_style, text) => text;
};

/** Prints a line for people. */
export const say = ({ stdout }: Io, text: string): void => {
  stdout.write(`${text}\n`);
};

/** Prints a line for people that is not part of the result. */
export const remark = ({ stderr }: Io, text: string): void => {
  stderr.write(`${text}\n`);
};

/** Prints a result for programs: indented JSON. */
export const sayJson = (io: Io, value: unknown): void => say(io, JSON.stringify(value ?? null, null, 2));

/** Prints one JSON object in one line, for results that arrive one by one. */
export const sayJsonLine = (io: Io, value: unknown): void => say(io, JSON.stringify(value));

/** Untrusted text without control sequences, which would control the reader's terminal. */
export const harmless = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');

/** Aligned columns of text, colored or not, separated by two blanks. */
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

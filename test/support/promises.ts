import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './platform.ts';

/** A row of a page that names the test behind a promise. */
export interface Proof {
  readonly id: string;
  readonly file: string;
  readonly title: string;
}

/** A page whose promises are rows of a table, each with its test in a second table below a heading. */
export interface PromisesPage {
  readonly text: string;
  /** The ids of the promises, in their order. */
  readonly promised: readonly string[];
  readonly proofs: readonly Proof[];
  /** How many rows the table of tests has, whatever is in them. */
  readonly rowsOfTests: number;
}

const testsHeading = '### The test behind each promise';

/** Reads a page whose promises have ids of this form. */
export const promisesOf = (path: string, id: string): PromisesPage => {
  const text = readFileSync(join(root, path), 'utf8');
  const [promises = '', behind = ''] = text.split(testsHeading);
  const [tests = ''] = behind.split(/^## /m);
  const rows = (form: string, from: string) => [
    ...from.matchAll(new RegExp(`^\\| (${id}) \\|${form}`, 'gm')),
  ];
  return {
    text,
    promised: rows('', promises).map(([, each]) => each as string),
    proofs: rows(' `([^`]+)` \\| (.+) \\|$', tests).map(([, each = '', file = '', title = '']) => ({
      id: each,
      file,
      title,
    })),
    rowsOfTests: rows('', tests).length,
  };
};

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Is there a test of this title in the source, or a case of a suite? */
export const hasTest = (source: string, title: string): boolean =>
  new RegExp(`(?:\\b(?:it|test)\\(\\s*|\\bname: )(['"\`])${escaped(title)}\\1`).test(source);

/** Whether the test that a row names exists. */
export const isThere = ({ file, title }: Proof): boolean =>
  existsSync(join(root, file)) && hasTest(readFileSync(join(root, file), 'utf8'), title);

/** The promises without a row, and the rows without a promise. */
export const unmatched = ({ promised, proofs }: PromisesPage): string[] => {
  const proven = new Set(proofs.map(({ id }) => id));
  return [...promised.filter((id) => !proven.has(id)), ...[...proven].filter((id) => !promised.includes(id))];
};

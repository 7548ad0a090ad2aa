import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { root } from './support/platform.ts';

// Each promise must have a test that proves it.

const page = readFileSync(join(root, 'docs/operating/security.md'), 'utf8');
const testsHeading = '### The test behind each promise';
const [promises = '', tests = ''] = page.split(testsHeading);

const idsIn = (text: string): string[] =>
  [...text.matchAll(/^\| ([STCWOL]\d+) \|/gm)].map(([, id]) => id as string);
const promised = idsIn(promises);

interface Proof {
  readonly id: string;
  readonly file: string;
  readonly title: string;
}
const proofs: Proof[] = [...tests.matchAll(/^\| ([STCWOL]\d+) \| `([^`]+)` \| (.+) \|$/gm)].map(
  ([, id = '', file = '', title = '']) => ({ id, file, title }),
);

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Is there a test of this title in the source, or a case of a suite? */
const hasTest = (source: string, title: string): boolean =>
  new RegExp(`(?:\\b(?:it|test)\\(\\s*|\\bname: )(['"\`])${escaped(title)}\\1`).test(source);

const isThere = ({ file, title }: Proof): boolean =>
  existsSync(join(root, file)) && hasTest(readFileSync(join(root, file), 'utf8'), title);

describe('the promises of docs/operating/security.md', () => {
  it('are numbered one after the other, for each to whom they are made', () => {
    assert.ok(promised.length > 50, `${promised.length} promises`);
    for (const letter of 'STCWOL') {
      const own = promised.filter((id) => id.startsWith(letter));
      assert.deepEqual(
        own,
        own.map((_, i) => `${letter}${i + 1}`),
      );
    }
  });

  it('have a test each, and each listed test belongs to a promise', () => {
    const proven = new Set(proofs.map(({ id }) => id));
    assert.deepEqual(
      promised.filter((id) => !proven.has(id)),
      [],
    );
    assert.deepEqual(
      [...proven].filter((id) => !promised.includes(id)),
      [],
    );
    const rows = tests.split('\n').filter((line) => /^\| [A-Z]/.test(line));
    assert.equal(rows.length, proofs.length, 'each row names a file and a title');
  });

  it('are proven by tests that exist under that title', () => {
    assert.deepEqual(
      proofs.filter((proof) => !isThere(proof)),
      [],
    );
  });

  it('are those that the table of what is checked where refers to', () => {
    const [, table = ''] = /## Where each check is made\n(.*?)\n## /s.exec(page) ?? [];
    const rows = table.split('\n').filter((line) => /^\| (?!what \|)[a-z]/.test(line));
    assert.ok(rows.length > 8, `${rows.length} rows`);
    for (const row of rows) {
      const [, last = ''] = /\| ([^|]+) \|$/.exec(row) ?? [];
      const ids = last.split(', ');
      assert.ok(
        ids.every((id) => promised.includes(id)),
        row,
      );
    }
  });
});

it('a test that is only mentioned would not be taken for one', () => {
  for (const source of ["it('holds', () => {})", 'test(\n  "holds",', 'test(`holds`, {', "name: 'holds'"])
    assert.ok(hasTest(source, 'holds'), source);
  for (const source of ['// it holds', "it('holds more', () => {})", "describe('holds', () => {})"])
    assert.ok(!hasTest(source, 'holds'), source);
  const title = ['$', '{engine}: a (b)'].join('');
  assert.ok(hasTest(`test(\`${title}\``, title));
});

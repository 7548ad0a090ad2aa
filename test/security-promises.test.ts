import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasTest, isThere, promisesOf, unmatched } from './support/promises.ts';

// Each promise must have a test that proves it.

describe('the promises of docs/operating/security.md', () => {
  const page = promisesOf('docs/operating/security.md', '[STCWOL]\\d+');
  const { promised, proofs } = page;

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
    assert.deepEqual(unmatched(page), []);
    assert.equal(page.rowsOfTests, proofs.length, 'each row names a file and a title');
  });

  it('are proven by tests that exist under that title', () => {
    assert.deepEqual(
      proofs.filter((proof) => !isThere(proof)),
      [],
    );
  });

  it('are those that the table of what is checked where refers to', () => {
    const [, table = ''] = /## Where each check is made\n(.*?)\n## /s.exec(page.text) ?? [];
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

describe('the promises of docs/concepts/tasks.md', () => {
  const page = promisesOf('docs/concepts/tasks.md', 'T\\d+');

  it('have a test each, which exists under that title', () => {
    assert.ok(page.promised.length >= 12, `${page.promised.length} promises`);
    assert.deepEqual(unmatched(page), []);
    assert.equal(page.rowsOfTests, page.proofs.length, 'each row names a file and a title');
    assert.deepEqual(
      page.proofs.filter((proof) => !isThere(proof)),
      [],
    );
  });
});

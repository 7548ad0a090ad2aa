import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isMap, LineCounter, parse, parseAllDocuments, parseDocument, stringify, visit } from 'yaml';

describe('yaml', () => {
  it('reads scalars by the core schema', () => {
    assert.deepEqual(parse('[1, 0x1f, 1e3, true, ~, yes, "2"]'), [1, 31, 1000, true, null, 'yes', '2']);
  });

  it('writes what it can read again', () => {
    const value = { list: [1, [2, { deep: 'a: b' }]], text: 'two\nlines\n', empty: {}, none: null };
    assert.deepEqual(parse(stringify(value)), value);
  });

  it('folds and keeps block scalars', () => {
    assert.equal(parse('>\n  one\n  two\n\n  three\n'), 'one two\nthree\n');
    assert.equal(parse('|-\n  one\n  two\n'), 'one\ntwo');
  });

  it('resolves anchors and merge keys', () => {
    const text = 'base: &base {a: 1, b: 2}\nother:\n  <<: *base\n  b: 3\n';
    assert.deepEqual(parse(text, { merge: true }).other, { a: 1, b: 3 });
  });

  it('keeps comments through an edit', () => {
    const document = parseDocument('# head\nport: 80 # why\n');
    document.set('port', 8080);
    assert.equal(document.toString(), '# head\nport: 8080 # why\n');
  });

  it('says where an error is', () => {
    const lineCounter = new LineCounter();
    const [error] = parseDocument('a: 1\nb: [2\nc: 3\n', { lineCounter }).errors;
    assert.ok(error);
    assert.equal(lineCounter.linePos(error.pos[0]).line, 3);
  });

  it('refuses the same key twice', () => {
    assert.throws(() => parse('a: 1\na: 2\n'), /unique/);
  });

  it('splits a stream into documents', () => {
    const documents = parseAllDocuments('a: 1\n---\nb: 2\n');
    assert.deepEqual(
      Array.from(documents, (document) => document.toJS()),
      [{ a: 1 }, { b: 2 }],
    );
  });

  it('walks every node', () => {
    let maps = 0;
    visit(parseDocument('a: {b: {c: 1}}'), (_key, node) => {
      if (isMap(node)) maps++;
    });
    assert.equal(maps, 3);
  });

  it('does not grow without bound on aliases', () => {
    const bomb = ['a: &a [x, x, x]', 'b: &b [*a, *a, *a]', 'c: &c [*b, *b, *b]', 'd: [*c, *c, *c]'].join(
      '\n',
    );
    assert.throws(() => parse(bomb, { maxAliasCount: 10 }), /alias/i);
  });
});

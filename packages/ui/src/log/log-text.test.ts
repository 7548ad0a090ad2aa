import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogText, linkedLines } from './log-text.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const linesOf = (text: LogText): (string | undefined)[] =>
  Array.from({ length: text.count }, (_, number) => text.line(number));

const read = (...chunks: string[]): (string | undefined)[] => {
  const text = new LogText();
  for (const chunk of chunks) text.append(bytes(chunk));
  return linesOf(text);
};

describe('a log that arrives in pieces', () => {
  it('has the lines that it has in one piece', () => {
    const whole = 'one\ntwo\n\nfour\n';
    assert.deepEqual(read(whole), ['one', 'two', '', 'four']);
    assert.deepEqual(read(...whole), ['one', 'two', '', 'four']);
    assert.deepEqual(read('one\ntw', 'o\n', '\nfour\n'), ['one', 'two', '', 'four']);
  });

  it('shows the last line before it is over', () => {
    assert.deepEqual(read('a\nb'), ['a', 'b']);
    assert.deepEqual(read('a\nb', 'c'), ['a', 'bc']);
  });

  it('shows of a progress bar what was in its place last', () => {
    assert.deepEqual(read('1%\r50%\r100%\nend\r\n'), ['100%', 'end']);
  });

  it('cuts no letter, wherever its parts end', () => {
    const text = new LogText();
    for (const byte of bytes('grün\n✗ ö')) text.append(Uint8Array.of(byte));
    assert.deepEqual(linesOf(text), ['grün', '✗ ö']);
    const long = new LogText();
    long.append(bytes(`a${'ö'.repeat(2 ** 20)}`));
    long.end();
    assert.equal(linesOf(long).join(''), `a${'ö'.repeat(2 ** 20)}`);
    assert.ok(long.count > 1);
  });
});

describe('a log that is larger than what is kept', () => {
  const whole = Array.from({ length: 50_000 }, (_, i) => `line ${i} ${'·'.repeat(i % 7)}`);
  const all = bytes(`${whole.join('\n')}\n`);
  const grown = () => {
    const text = new LogText(256 * 1024);
    for (let at = 0; at < all.length; at += 10_007) text.append(all.subarray(at, at + 10_007));
    text.end();
    return text;
  };

  it('knows how many lines there are, and keeps the last ones', () => {
    const text = grown();
    assert.equal(text.count, whole.length);
    assert.equal(text.settled, whole.length);
    assert.equal(text.line(0), undefined);
    assert.equal(text.line(49_999), whole[49_999]);
    assert.equal(text.missingAt(49_999, 1), undefined);
  });

  it('says which bytes bring lines back, and lets others go for them', () => {
    const text = grown();
    for (const number of [0, 20_000, 1, 41_234]) {
      const span = text.missingAt(number, 100_000);
      if (span) text.fill(span.offset, all.subarray(span.offset, span.offset + span.length));
      assert.equal(text.line(number), whole[number]);
    }
    const kept = whole.filter((_, number) => text.line(number) !== undefined).length;
    assert.ok(kept > 0 && kept < 30_000, `${kept} lines are kept`);
    assert.ok(whole.every((line, number) => [line, undefined].includes(text.line(number))));
  });
});

it('lines are named by addresses', () => {
  assert.deepEqual(linkedLines('#L12'), { from: 11, to: 11 });
  assert.deepEqual(linkedLines('L12-L20'), { from: 11, to: 19 });
  assert.equal(linkedLines('#error'), undefined);
});

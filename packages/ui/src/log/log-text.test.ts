import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FirstError, isAmong, linkedLines, logText, Matches, plainLine } from './log-text.ts';

const read = (...chunks: string[]): readonly string[] => {
  const text = logText();
  for (const chunk of chunks) text.append(chunk);
  return text.lines;
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
  it('shows of a progress bar what stood there last', () => {
    assert.deepEqual(read('1%\r50%\r100%\nend\r\n'), ['100%', 'end']);
  });
});

describe('the first error', () => {
  const at = (...lines: string[]) => {
    const text = logText();
    const error = new FirstError();
    // As a live log is looked at: again and again while it grows.
    for (const line of lines) {
      text.append(`${line}\n`);
      error.in(text);
    }
    return error.in(text);
  };
  it('is the first line that speaks of one, coloured or not', () => {
    assert.equal(at('fine', '\u001b[31merror\u001b[0m: it broke', 'error again'), 1);
    assert.equal(at('ok', 'not ok 3 - adds'), 1);
    assert.equal(at('Traceback (most recent call last):', 'ValueError: no'), 0);
  });
  it('is no line that says that there is none, and no name of an option', () => {
    assert.equal(at('0 errors', 'errors: 0', 'no failures', 'cc -Werror a.c', 'real error'), 4);
  });
  it('is what the worker says when the task says nothing', () => {
    assert.equal(at('[taskcluster] start', 'hm', '[taskcluster:error] exit code 1'), 2);
    assert.equal(at('error: it broke', '[taskcluster:error] exit code 1'), 0);
    assert.equal(at('fine'), -1);
  });
});

describe('a log that is larger than what is kept', () => {
  const grow = (kept: number) => {
    const text = logText(kept);
    const [error, matches] = [new FirstError(), new Matches('9')];
    for (let i = 0; i < 1000; i++) {
      text.append(`${i === 990 ? 'error: it broke' : `line ${i}`}\n`);
      error.in(text);
      matches.in(text);
    }
    return { text, error: error.in(text), found: matches.in(text) };
  };
  it('lets its first lines go, and counts the others as before', () => {
    const { text, error, found } = grow(5000);
    assert.ok(text.lines.length < 120);
    assert.equal(text.dropped + text.lines.length, 1000);
    assert.equal(text.lines[0], `line ${text.dropped}`);
    assert.equal(error, 990);
    assert.ok(
      found.every((number) => number >= text.dropped && text.lines[number - text.dropped]?.includes('9')),
    );
    assert.equal(found.at(-1), 999);
  });
  it('has no first error any more when that was among them', () => {
    const text = logText(2000);
    const error = new FirstError();
    text.append('error: it broke\n');
    assert.equal(error.in(text), 0);
    for (let i = 0; i < 200; i++) text.append('fine\n');
    assert.equal(error.in(text), -1);
  });
});

describe('lines', () => {
  it('are found by their words, colours aside, the last one when it is over', () => {
    const text = logText();
    const matches = new Matches('word');
    text.append('a \u001b[1mWo\u001b[0mrd\nb\nwo');
    assert.deepEqual(matches.in(text), [0]);
    text.append('rd');
    assert.deepEqual(matches.in(text), [0]);
    text.end();
    assert.deepEqual(matches.in(text), [0, 2]);
    assert.deepEqual(new Matches('').in(text), []);
    assert.equal(plainLine('\u001b[32mok\u001b[0m'), 'ok');
  });
  it('are looked up among many', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((number) => isAmong([1, 2, 5], number)),
      [false, true, true, false, false, true],
    );
    assert.equal(isAmong([], 0), false);
  });
  it('are named by addresses', () => {
    assert.deepEqual(linkedLines('#L12'), { from: 11, to: 11 });
    assert.deepEqual(linkedLines('L12-L20'), { from: 11, to: 19 });
    assert.equal(linkedLines('#error'), undefined);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstErrorIn, linesWith, linkedLines, logText, plainLine } from './log-text.ts';

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
  const at = (...lines: string[]) => firstErrorIn(lines);
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

describe('lines', () => {
  it('are found by their words, colours aside', () => {
    assert.deepEqual(linesWith(['a \u001b[1mWo\u001b[0mrd', 'b', 'word'], 'word'), [0, 2]);
    assert.deepEqual(linesWith(['a'], ''), []);
    assert.equal(plainLine('\u001b[32mok\u001b[0m'), 'ok');
  });
  it('are named by addresses', () => {
    assert.deepEqual(linkedLines('#L12'), { from: 11, to: 11 });
    assert.deepEqual(linkedLines('L12-L20'), { from: 11, to: 19 });
    assert.equal(linkedLines('#error'), undefined);
  });
});

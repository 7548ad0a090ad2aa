import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FirstError, isAmong, Matches, plainLine } from './log-scan.ts';
import { LogText } from './log-text.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the first error', () => {
  const at = (...lines: string[]) => {
    const text = new LogText();
    const error = new FirstError();
    // As a live log is looked at: again and again while it grows.
    for (const line of lines) {
      text.append(bytes(`${line}\n`));
      error.in(text);
    }
    return error.in(text);
  };
  it('is the first line that speaks of one, coloured or not', () => {
    assert.equal(at('fine', '\u001b[31merror\u001b[0m: it broke', 'error again'), 1);
    assert.equal(at('fine', 'e\u001b[31mrr\u001b[0mor: it broke'), 1);
    assert.equal(at('ok', 'not ok 3 - adds'), 1);
    assert.equal(at('Traceback (most recent call last):', 'ValueError: no'), 0);
    assert.equal(at('fine', 'E   assert 1 == 2'), 1);
    assert.equal(at('fine', '✗ adds'), 1);
  });
  it('is no line that says that there is none, and no name of an option', () => {
    assert.equal(at('0 errors', 'errors: 0', 'no failures', 'cc -Werror a.c', 'real error'), 4);
  });
  it('is what the worker says when the task says nothing', () => {
    assert.equal(at('[taskcluster] start', 'hm', '[taskcluster:error] exit code 1'), 2);
    assert.equal(at('error: it broke', '[taskcluster:error] exit code 1'), 0);
    assert.equal(at('fine'), -1);
  });
  it('is known when its line was let go', () => {
    const text = new LogText(1);
    const error = new FirstError();
    for (let i = 0; i < 30_000; i++) {
      text.append(bytes(i === 990 ? 'error: it broke\n' : `line ${i}\n`));
      error.in(text);
    }
    assert.equal(text.line(990), undefined);
    assert.equal(error.in(text), 990);
  });
});

describe('lines', () => {
  it('are found by their words, colours aside, the last one when it is over', () => {
    const text = new LogText();
    const matches = new Matches('word');
    text.append(bytes('a \u001b[1mWo\u001b[0mrd\nb\nwo'));
    assert.deepEqual(matches.in(text), [0]);
    text.append(bytes('rd'));
    assert.deepEqual(matches.in(text), [0]);
    text.end();
    assert.deepEqual(matches.in(text), [0, 2]);
    assert.equal(matches.goesOnAt(text), undefined);
    assert.deepEqual(new Matches('').in(text), []);
    assert.equal(plainLine('\u001b[32mok\u001b[0m'), 'ok');
  });
  it('are found in all of a log of which most was let go, as it is read again', () => {
    const whole = bytes(Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join(''));
    const text = new LogText(100_000);
    text.append(whole);
    text.end();
    const matches = new Matches('999');
    matches.in(text);
    for (let next = matches.goesOnAt(text); next !== undefined; next = matches.goesOnAt(text)) {
      const span = text.missingAt(next, 1);
      assert.ok(span);
      text.fill(span.offset, whole.subarray(span.offset, span.offset + span.length));
      matches.in(text);
    }
    const wanted = Array.from({ length: 40_000 }, (_, i) => i).filter((i) => String(i).includes('999'));
    assert.deepEqual(matches.in(text), wanted);
  });
  it('are looked up among many', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((number) => isAmong([1, 2, 5], number)),
      [false, true, true, false, false, true],
    );
    assert.equal(isAmong([], 0), false);
  });
});

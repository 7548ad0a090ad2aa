import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LogReader } from './excerpt.ts';
import { cutTo, fenced, lineOf, plain, stacked } from './texts.ts';

const bytes = (text: string): number => Buffer.byteLength(text);

/** The length of the fence of a block that Markdown does not find the end of; 0 where all are closed. */
const openFenceIn = (text: string): number =>
  text.split('\n').reduce((open, line) => {
    const ticks = /^`{3,}$/.test(line) ? line.length : 0;
    if (open === 0) return ticks;
    return ticks >= open ? 0 : open;
  }, 0);

describe('a text for GitHub', () => {
  it('is never longer than it may be, ends with a whole character, and says that it was cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.integer({ min: 20, max: 300 }),
        (text, max) => {
          const cut = cutTo(text, max);
          assert.ok(bytes(cut) <= max);
          assert.doesNotMatch(cut, /\p{Surrogate}/u);
          if (bytes(text) <= max) assert.equal(cut, text);
          else assert.ok(cut.endsWith('… (cut)') && text.startsWith(cut.slice(0, -'\n… (cut)'.length)));
        },
      ),
    );
  });

  it('of several parts gives up the last ones first, and closes its blocks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('`', 'é', '🦊', '\n', 'x'), maxLength: 80 })),
        fc.integer({ min: 0, max: 300 }),
        (texts, max) => {
          const whole = stacked(
            texts.map((text) => ({ text, wrap: fenced })),
            max,
          );
          assert.ok(bytes(whole) <= max);
          assert.equal(openFenceIn(whole), 0);
        },
      ),
    );
    const parts = [{ text: 'first' }, { text: 'second'.repeat(50) }];
    assert.match(stacked(parts, 60), /^first\n\nsecond.*… \(cut\)$/s);
  });

  it('is a block that nothing in it can end', () => {
    assert.equal(fenced('a ```` b'), '`````\na ```` b\n`````');
  });

  it('has no colors and no marks of terminals, and is one line where it has to be', () => {
    assert.equal(plain('\u001b[31mred\u001b[0m \u001b]0;title\u0007x\u0000\ud800'), 'red x\ufffd');
    assert.equal(lineOf(' a\n\n  b ', 10), 'a b');
    assert.equal(lineOf('abcdefghij', 6), 'abc…');
  });
});

describe('the lines of a log that tell why a task failed', () => {
  const read = (lines: readonly string[]) => {
    const reader = new LogReader();
    for (const line of lines) reader.add(line);
    return reader.result();
  };

  it('are those around the first that tells of an error', () => {
    const noise = Array.from({ length: 100 }, (_, i) => `step ${i}, 0 errors`);
    const { firstLine, lines } = read([...noise, 'src/a.c:3:1: error: no', 'more', 'error: later', ...noise]);
    assert.equal(firstLine, 99);
    assert.deepEqual(lines.slice(0, 4), [
      'step 98, 0 errors',
      'step 99, 0 errors',
      'src/a.c:3:1: error: no',
      'more',
    ]);
    assert.equal(lines.length, 15);
  });

  it('are a certain one before a possible one, and the last ones where there is neither', () => {
    assert.match(read(['it could not be worse', 'a', 'b', 'c', 'TypeError: x']).lines.join(), /TypeError/);
    const quiet = Array.from({ length: 40 }, (_, i) => `line ${i + 1}`);
    assert.deepEqual(read(quiet), { firstLine: 26, lines: quiet.slice(-15) });
  });

  it('are found by the forms of usual tools, behind the time and the level that others put before them', () => {
    const before = Array.from(
      { length: 30 },
      (_, i) => `[task 2026-01-01T00:00:00.000Z] fetch failed, try ${i}`,
    );
    const run = '[task 2026-01-01T00:00:01.000Z] ';
    for (const line of [
      `${run}Traceback (most recent call last):`,
      `${run}12:00:02    ERROR - Return code: 1`,
      `${run}12:00:02     INFO - TEST-UNEXPECTED-FAIL | dom/a.html | it broke`,
      '[vcs 2026-01-01T00:00:00.123Z] fatal: bad object',
      '2026-01-01T00:00:01Z ERROR cannot connect',
      '2026-01-01 00:00:01,123 CRITICAL out of ideas',
      '[ERROR] Failed to execute goal compile',
      'E       assert 1 == 2',
      '--- FAIL: TestB (0.00s)',
      'testX(Foo)  Time elapsed: 0.1 sec  <<< FAILURE!',
      "a.rb:3:in 'foo': undefined method 'bar' for nil (NoMethodError)",
      '** (CompileError) lib/a.ex:3: undefined function',
      './run.sh: line 5: FOO: unbound variable',
      "a.c:(.text+0x5): undefined reference to 'foo'",
      "./a.py:3:1: F401 'os' imported but unused",
      'would reformat a.py',
    ])
      assert.equal(read([...before, line, ...before]).firstLine, 29, line);
  });

  it('leave out what the worker says, and what a bar of progress was before', () => {
    const { lines } = read([
      '[taskcluster 2026-01-01 00:00:00.000Z] Exit Code: 1',
      '10%\r50%\r100%',
      '[taskcluster:error] failed',
    ]);
    assert.deepEqual(lines, ['100%']);
  });
});

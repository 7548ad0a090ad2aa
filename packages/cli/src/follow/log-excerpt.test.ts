import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { excerptOf, weightOf } from './log-excerpt.ts';

describe('a line of a log', () => {
  for (const line of [
    'src/a.ts(3,5): error TS2322: Type is not assignable',
    'src/a.c:10:5: error: expected declaration',
    'TypeError: x is not a function',
    'Error [ERR_MODULE_NOT_FOUND]: Cannot find module',
    'AssertionError [ERR_ASSERTION]: Expected values to be equal',
    'not ok 3 - adds numbers',
    '✖ adds numbers (1.2ms)',
    'FAIL test/a.test.js',
    'Traceback (most recent call last):',
    'bash: frobnicate: command not found',
    'npm error code E404',
    'error[E0308]: mismatched types',
    "thread 'main' panicked at src/main.rs:2:5",
  ]) {
    it(`is the cause: ${line}`, () => assert.equal(weightOf(line), 3));
  }
  for (const line of ['the build failed', 'Unable to open the display', 'process was killed']) {
    it(`may be the cause: ${line}`, () => assert.equal(weightOf(line), 2));
  }
  for (const line of [
    'compiled with 0 errors',
    '# fail 0',
    'no errors found',
    'compiling error-handler.js... src/error.js 3 kB',
    'Downloading package',
    '[taskcluster 2026-01-01T00:00:00Z] task failed to be boring',
  ]) {
    it(`is no cause: ${line}`, () => assert.equal(weightOf(line), 0));
  }
});

describe('the excerpt of a log', () => {
  const lines = (...parts: (string | number)[]): string[] =>
    parts.flatMap((part) =>
      typeof part === 'number' ? Array.from({ length: part }, (_, at) => `line ${at}`) : [part],
    );
  const excerpt = (...parts: (string | number)[]) => excerptOf([`${lines(...parts).join('\n')}\n`]);

  it('begins shortly before the first error', async () => {
    const found = await excerpt(100, 'Error: first', 50, 'Error: second', 10);
    assert.equal(found.isError, true);
    assert.equal(found.firstLine, 99);
    assert.equal(found.lines[2], 'Error: first');
    assert.equal(found.lines.length, 13);
  });

  it('prefers a certain cause to an earlier hint', async () => {
    const found = await excerpt('warning: deprecated, may have failed', 30, 'TypeError: here', 'at a.js:1');
    assert.deepEqual(found.lines.slice(2), ['TypeError: here', 'at a.js:1']);
  });

  it("takes the worker's own line when there is nothing else", async () => {
    const found = await excerpt(20, '[taskcluster:error] exit status 3');
    assert.equal(found.lines.at(-1), '[taskcluster:error] exit status 3');
    assert.equal(found.isError, true);
  });

  it('is what the task printed last, and its exit code, where nothing looks like an error', async () => {
    const [about, ended] = ['[taskcluster 2026-01-01T00:00:00.000Z] ', 'Exit code 1 after 0.0 s'];
    const found = await excerpt(
      `${about}Task T, run 0: build`,
      `${about}$ make`,
      'one is not two',
      `${about}${ended}`,
      `${about}Resolved as failed after 0.0 s`,
    );
    assert.deepEqual(found.lines, ['one is not two', `${about}${ended}`]);
    assert.deepEqual([found.firstLine, found.isError], [3, false]);
  });

  it('is the end of a log without any error', async () => {
    const found = await excerpt(100, '', '');
    assert.equal(found.isError, false);
    assert.equal(found.lines.at(-1), 'line 99');
    assert.equal(found.firstLine, 88);
  });

  it('is assembled from pieces, without control sequences', async () => {
    const pieces = ['progress 1%\rprogress 100%\r\n\u001b[31mErr', 'or: \u001b[1mbad\u001b[0m\u0007\nlast'];
    const found = await excerptOf(pieces);
    assert.deepEqual(found.lines, ['progress 100%', 'Error: bad', 'last']);
  });

  it('survives bytes cut inside a character, empty logs and endless lines', async () => {
    const bytes = Buffer.from('Error: schön\n');
    const cut = async function* () {
      yield bytes.subarray(0, 11);
      yield bytes.subarray(11);
    };
    assert.deepEqual((await excerptOf(cut())).lines, ['Error: schön']);
    assert.deepEqual((await excerptOf([''])).lines, []);
    const endless = await excerptOf(['x'.repeat(1_000_000), 'y'.repeat(1_000_000)]);
    assert.equal(endless.lines[0]?.length, 400);
  });
});

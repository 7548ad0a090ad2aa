import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { plainEnvironment, root } from './support/platform.ts';

const folder = mkdtempSync(join(tmpdir(), 'taskyard-runner-'));
after(() => rmSync(folder, { recursive: true }));

const write = (name: string, lines: readonly string[]): string => {
  const path = join(folder, name);
  writeFileSync(path, ["import { existsSync, writeFileSync } from 'node:fs';", ...lines, ''].join('\n'));
  return path;
};

const imports = "import { describe, it } from 'node:test';";
const good = write('good.test.mjs', [
  imports,
  "it('is good', () => {});",
  "it('needs a part', { skip: 'the part is not installed' }, () => {});",
]);
const bad = write('bad.test.mjs', [
  imports,
  "console.log('what the file has to say');",
  "describe('a suite', () => it('is bad', () => { throw new Error('a planted failure'); }));",
]);
write('suite.mjs', [
  imports,
  "export const suite = () => it('is bad in a suite', () => { throw new Error('a planted failure'); });",
]);
const badSuite = write('of-a-suite.test.mjs', ["import { suite } from './suite.mjs';", 'suite();']);
const silent = write('silent.test.mjs', ['process.exit(3);']);
const interrupted = write('interrupted.test.mjs', [
  imports,
  "it('passes before the file ends by a signal', () => {});",
  "setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200);",
]);
/** Fails the first time that it runs, passes the second time. */
const aFlake = (name: string): string => {
  const mark = JSON.stringify(join(folder, `${name}.seen`));
  return write(`${name}.test.mjs`, [
    imports,
    `it('is flaky', () => { if (!existsSync(${mark})) { writeFileSync(${mark}, ''); throw new Error('once'); } });`,
  ]);
};

const npmTest = (...words: string[]) => {
  const { status, stdout } = spawnSync(process.execPath, ['scripts/test.mjs', '--no-build', ...words], {
    cwd: root,
    encoding: 'utf8',
    env: { ...plainEnvironment(), TASKYARD_TEST_DATABASE_URL: 'postgres://127.0.0.1:1/none' },
  });
  return { status, lines: stdout.trimEnd().split('\n'), text: stdout };
};

const summary = (lines: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^ℹ ([a-z_]+) ([\d.]+)$/.exec(line) ?? [];
      return name && name !== 'duration_ms' ? [[name, Number(value)]] : [];
    }),
  );

describe('npm test', () => {
  it('fails when a test fails that stands in another file, as those of suites do', () => {
    const { status, text } = npmTest(badSuite);
    assert.equal(status, 1);
    assert.match(text, /is bad in a suite/);
    assert.doesNotMatch(text, /^flaky:/m);
  });

  it('ends with the summary, and says why tests were left out', () => {
    const { status, lines } = npmTest(good);
    assert.equal(status, 0);
    assert.deepEqual(summary(lines), {
      tests: 2,
      suites: 0,
      pass: 1,
      fail: 0,
      cancelled: 0,
      skipped: 1,
      todo: 0,
    });
    assert.match(lines.at(-1) ?? '', /^ℹ duration_ms \d+$/);
    assert.ok(lines.includes('left out: 1 tests: the part is not installed'));
  });

  it('names a flaky test before the summary, and ends with 0', () => {
    const flake = aFlake('flake');
    const { status, lines } = npmTest(good, flake);
    assert.equal(status, 0);
    const named = lines.findIndex((line) => /^flaky: .*flake\.test\.mjs: is flaky$/.test(line));
    assert.ok(named > 0 && named < lines.findIndex((line) => line.startsWith('ℹ tests ')));
    assert.equal(summary(lines).pass, 2);
    assert.equal(summary(lines).fail, 0);
  });

  it('takes a flaky test for a failure when told to be strict', () => {
    const { status, text } = npmTest('--strict', aFlake('strict'));
    assert.equal(status, 1);
    assert.match(text, /^flaky: .*strict\.test\.mjs: is flaky$/m);
  });

  it('fails for a test that fails twice, and ends with its name, its error and what its file printed', () => {
    const { status, lines } = npmTest(bad, good);
    assert.equal(status, 1);
    assert.equal(summary(lines).fail, 1);
    const end = lines.slice(lines.indexOf('✖ failing tests:')).join('\n');
    assert.match(end, /test at .*bad\.test\.mjs:\d+\n✖ a suite > is bad\n {2}Error: a planted failure/);
    assert.match(end, /What .*bad\.test\.mjs printed:\n {2}what the file has to say/);
  });

  it('fails for a file that ends by itself', () => {
    for (const file of [silent, interrupted]) {
      const { status, text } = npmTest(file);
      assert.equal(status, 1, file);
      assert.match(text, /✖ the file itself/);
    }
  });

  it('lists the slowest files when told to', () => {
    const { lines } = npmTest('--slow', good, silent);
    assert.equal(
      lines.filter((line) => /^slow: +[\d.]+ s +[\d.]+ % {2}.*\.test\.mjs$/.test(line)).length,
      1 + 1,
    );
  });
});

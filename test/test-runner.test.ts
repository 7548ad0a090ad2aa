import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
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
write('cases.mjs', [
  imports,
  'export const cases = (mark) => {',
  "  it('is a case that is good', () => {});",
  "  it('is a case that is bad', () => { if (mark && existsSync(mark)) return;",
  "    if (mark) writeFileSync(mark, ''); throw new Error('a planted case'); });",
  '};',
]);
/** A file whose tests are written in another one. */
const borrows = (name: string, mark: string): string =>
  write(`${name}.test.mjs`, ["import { cases } from './cases.mjs';", `cases(${JSON.stringify(mark)});`]);
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

const busySeconds = 0.5;
/** Its child computes, not the file. */
const busy = write('busy.test.mjs', [
  imports,
  "import { execFileSync } from 'node:child_process';",
  `const script = 'while (process.cpuUsage().user < ${busySeconds * 1e6});';`,
  "it('waits for a child that computes', () => { execFileSync(process.execPath, ['-e', script]); });",
]);
/** Its hooks and tests say that they run, and in which process; the test of `two` is bad the first time. */
const sharing = (name: string, line: string): string =>
  write(`${name}.test.mjs`, [
    "import { appendFileSync } from 'node:fs';",
    "import { pid } from 'node:process';",
    "import { after, before, beforeEach, it } from 'node:test';",
    `const say = (what) => appendFileSync(${JSON.stringify(join(folder, 'said'))}, \`\${pid} ${name} \${what}\\n\`);`,
    "before(() => say('before'));",
    "beforeEach(() => say('before each'));",
    "after(() => say('after'));",
    `it('says so', () => { say('test'); ${line} });`,
  ]);
const once = (name: string, line: string): string => {
  const mark = JSON.stringify(join(folder, `${name}.seen`));
  return `if (!existsSync(${mark})) { writeFileSync(${mark}, ''); ${line} }`;
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

  it('runs the file again that ran a failing test, though the test is written in another', () => {
    const lasting = npmTest(borrows('borrower', ''));
    assert.equal(lasting.status, 1);
    assert.match(lasting.text, /Once more, alone: .*borrower\.test\.mjs\n/);
    assert.deepEqual([summary(lasting.lines).pass, summary(lasting.lines).fail], [1, 1]);
    assert.match(lasting.text, /✖ is a case that is bad\n {2}Error: a planted case/);
    const passing = npmTest(borrows('flaky-borrower', join(folder, 'borrower.seen')));
    assert.equal(passing.status, 0);
    assert.match(passing.text, /^flaky: .*cases\.mjs: is a case that is bad$/m);
    assert.deepEqual([summary(passing.lines).pass, summary(passing.lines).fail], [2, 0]);
  });

  it('runs files in one process, each with its own hooks, and one that failed once more by itself', () => {
    rmSync(join(folder, 'said'), { force: true });
    const files = [sharing('one', ''), sharing('two', once('two', "throw new Error('once');"))];
    const { status, lines, text } = npmTest(...files);
    assert.equal(status, 0, text);
    assert.deepEqual([summary(lines).tests, summary(lines).suites, summary(lines).pass], [2, 0, 2]);
    assert.deepEqual(
      lines.filter((line) => /^flaky: /.test(line)).map((line) => line.replace(/ .*\//, ' ')),
      ['flaky: two.test.mjs: says so'],
    );
    const said = readFileSync(join(folder, 'said'), 'utf8').trim().split('\n');
    const pids = said.map((line) => line.split(' ')[0]);
    assert.deepEqual(
      said.map((line) => line.slice(line.indexOf(' ') + 1)),
      ['one', 'two', 'two'].flatMap((name) =>
        ['before', 'before each', 'test', 'after'].map((what) => `${name} ${what}`),
      ),
    );
    assert.equal(new Set(pids.slice(0, 8)).size, 1, 'one process for both');
    assert.notEqual(pids[8], pids[0]);
  });

  it('runs each file of a process that ended too soon once more, alone', () => {
    const kill = once('three', "process.kill(pid, 'SIGKILL');");
    const { status, lines, text } = npmTest(sharing('three', kill), sharing('four', ''));
    assert.equal(status, 0, text);
    assert.deepEqual([summary(lines).tests, summary(lines).pass, summary(lines).fail], [2, 2, 0]);
    assert.deepEqual(
      lines
        .filter((line) => /^flaky: /.test(line))
        .map((line) => line.replace(/ .*\//, ' '))
        .sort(),
      ['four', 'three'].map((name) => `flaky: ${name}.test.mjs: the process that it shares with others`),
    );
  });

  it('fails for a file whose tests ran in the suite of another one', () => {
    write('slow.mjs', ['await new Promise((loaded) => setTimeout(loaded, 200));']);
    const waiting = (name: string, line: string): string =>
      write(`${name}.test.mjs`, [imports, "import './slow.mjs';", `it('is of ${name}', () => { ${line} });`]);
    const { status, text } = npmTest(waiting('five', ''), waiting('six', "throw new Error('planted');"));
    assert.equal(status, 1, text);
    assert.match(text, /Once more, alone: .*six\.test\.mjs\n/);
    assert.match(text, /✖ is of six\n {2}Error: planted/);
  });

  it('lets no file share a process that waits before it has declared its tests', async () => {
    const module = join(root, 'scripts/test/groups.mjs');
    const { groupsOf } = (await import(module)) as {
      groupsOf(files: readonly string[], isLong: (file: string) => boolean): string[][];
    };
    const test = "it('is good', async () => { await 0; });";
    const plain = ['plain-1', 'plain-2'].map((name) => write(`${name}.test.mjs`, [imports, test]));
    const waiting = [
      write('waits.test.mjs', [imports, 'const scene = await 0;', test]),
      write('waits-in-a-loop.test.mjs', [
        imports,
        'for (const one of [1]) {',
        '    const scene = await one;',
        '}',
        test,
      ]),
    ];
    assert.deepEqual(
      groupsOf([...plain, ...waiting], () => false),
      [plain],
    );
  });

  it('starts files in the order in which they are given, not in that of their names', () => {
    // As many as run at once, and each of them runs until all have begun. None shares a process, for what it does to its own.
    const count = Math.max(4, Math.ceil(1.5 * availableParallelism()));
    const marks = Array.from({ length: count }, (_, i) => join(folder, `in-order-${i}`));
    const alone = "process.env.ALONE = 'yes';";
    const areThere = `${JSON.stringify(marks)}.every((mark) => existsSync(mark))`;
    const first = marks.map((mark, i) =>
      write(`b${i}.test.mjs`, [
        alone,
        `writeFileSync(${JSON.stringify(mark)}, '');`,
        `while (!(${areThere}));`,
      ]),
    );
    const last = write('a.test.mjs', [alone, `if (!(${areThere})) throw new Error('too early');`]);
    const { status, text } = npmTest('--strict', ...first, last);
    assert.equal(status, 0, text);
  });

  it('knows no long file that is gone', async () => {
    const module = join(root, 'scripts/test/longest.mjs');
    const { longest } = (await import(module)) as { longest: readonly string[] };
    const sourceOf = (name: string) =>
      join(root, `${name.replace(/^(packages\/[^/]+)\//, '$1/src/')}.test.ts`);
    assert.deepEqual(
      longest.filter((name) => !existsSync(sourceOf(name))),
      [],
    );
  });

  it('lists the slowest files when told to, with what they computed, their children too', () => {
    const { lines } = npmTest('--slow', good, silent, busy);
    const [slow, computing] = ['slow', 'busy'].map((word) =>
      lines.filter((line) =>
        new RegExp(`^${word}: +[\\d.]+ s +[\\d.]+ s computed +[\\d.]+ % {2}.*\\.test\\.mjs$`).test(line),
      ),
    );
    assert.deepEqual([slow?.length, computing?.length], [3, 3]);
    const [, seconds, file] = /([\d.]+) s computed .*\/(.*)\.test\.mjs$/.exec(computing?.[0] ?? '') ?? [];
    assert.equal(file, 'busy');
    assert.ok(Number(seconds) >= busySeconds, computing?.[0]);
    const [, all] =
      /^computed: ([\d.]+) s /.exec(lines.find((line) => line.startsWith('computed: ')) ?? '') ?? [];
    assert.ok(Number(all) > Number(seconds));
  });
});

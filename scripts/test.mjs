// `npm test`: builds, starts one PostgreSQL for the whole run, and hands it to Node's test runner.
//   npm test                                     all tests
//   npm test -- queue/claims                     the test files whose path contains that text
//   npm test -- --no-build queue                 what was compiled last
//   npm test -- --slow                           names the ten slowest files, and those that compute most; --slow=50: more
//   npm test -- --strict                         a flaky test is a failed one
//   npm test -- --test-name-pattern='second'     other options go to the runner, written with "="
// Files that fail run once more, alone, after all others. What passes then is reported as flaky.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { combine } from './test/again.mjs';
import { computedSeconds } from './test/cpu.cjs';
import { findTestFiles, isLong } from './test/files.mjs';
import { groupsOf, withoutGroups, writeGroup } from './test/groups.mjs';
import { makeForAll } from './test/made.mjs';
import { quickFolder } from './test/memory.mjs';
import { computed, failing, flaky, leftOut, slowest, totals } from './test/summary.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const startedAt = Date.now();

const isOwn = (argument) => /^--(no-build|slow(=\d+)?|strict)$/.test(argument);
const given = process.argv.slice(2);
const isOption = (argument) => argument.startsWith('-');
const isSet = (option) => given.includes(option);
const options = given.filter((argument) => isOption(argument) && !isOwn(argument));
const filters = given.filter((argument) => !isOption(argument));

/** How many files are listed at the end. */
const listed = given
  .filter((argument) => /^--slow(=|$)/.test(argument))
  .map((argument) => Number(argument.split('=')[1] ?? 10))
  .at(-1);

/** `TASKYARD_TEST_PATIENCE` multiplies every bound of time in tests, the one of a whole file too. */
const patience = Number(process.env.TASKYARD_TEST_PATIENCE || 1);
const fileTimeoutMs = 900_000 * patience;

let runner;
let isInterrupted = false;

/** What the processes of files said of themselves, by file: see test/cpu.cjs. */
const readCpu = (path) => {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  return new Map(
    lines.map((line) => JSON.parse(line)).map(({ file, ...rest }) => [relative(root, file), rest]),
  );
};

const scriptAt = (name) => fileURLToPath(new URL(name, import.meta.url));

/** What Node is told to run. Its own runner knows options, such as patterns of names, but sorts the files. */
const commandFor = ({ files, concurrency }) =>
  options.length === 0
    ? [scriptAt('test/in-order.mjs'), concurrency, fileTimeoutMs, ...files]
    : [
        '--test',
        `--test-reporter=${scriptAt('test/reporter.mjs')}`,
        '--test-reporter-destination=stdout',
        `--test-concurrency=${concurrency}`,
        `--test-timeout=${fileTimeoutMs}`,
        ...options,
        ...files,
      ];

/** Runs the files, printing as it goes. Returns a record for each file. */
const runFiles = async ({ files, concurrency, environment, folder, name }) => {
  const record = join(folder, `${name}.json`);
  const cpuRecord = join(folder, `${name}.cpu`);
  runner = spawn(
    process.execPath,
    [`--require=${scriptAt('test/cpu.cjs')}`, ...commandFor({ files, concurrency })],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        ...environment,
        TASKYARD_TEST_RECORD: record,
        TASKYARD_TEST_CPU_RECORD: cpuRecord,
      },
    },
  );
  const [code, signal] = await once(runner, 'exit');
  const records = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : [];
  // A runner that fails without a failed test could not do its work.
  if (code !== 0 && !records.some(({ hasFailed }) => hasFailed))
    throw new Error(`The test runner ended with ${signal ?? `code ${code}`}.`);
  const cpu = readCpu(cpuRecord);
  return records.map((each) => ({ ...each, ...cpu.get(each.file) }));
};

/** What the runner is told to start: files, those known to take long first, and files that run several of them. */
const processesFor = (files, folder) => {
  // Other options, such as patterns of names, mean the tests of files.
  const lists = options.length > 0 ? [] : groupsOf(files, isLong);
  const groups = lists.map((group, i) => ({
    files: group,
    path: writeGroup(folder, `together-${i}`, group),
  }));
  const shared = new Set(lists.flat());
  const alone = files.filter((file) => !shared.has(file));
  const long = alone.filter(isLong);
  const others = alone.filter((file) => !isLong(file));
  return { groups, paths: [...long, ...groups.map(({ path }) => path), ...others] };
};

const runAll = async (files, environment, folder) => {
  // Tests wait about as long as they compute, so that more of them at once keep the processors busy.
  const concurrency = Math.max(4, Math.ceil(1.5 * availableParallelism()));
  const { groups, paths } = processesFor(files, folder);
  const records = await runFiles({ files: paths, concurrency, environment, folder, name: 'first' });
  const first = withoutGroups(records, groups);
  const failed = first.filter(({ hasFailed }) => hasFailed);
  if (failed.length === 0 || isInterrupted) return { records: first, flakes: [] };
  console.log(`\nOnce more, alone: ${failed.map(({ file }) => file).join(' ')}\n`);
  const again = await runFiles({
    files: failed.map(({ file }) => file),
    concurrency: 1,
    environment,
    folder,
    name: 'again',
  });
  return combine(first, again);
};

const report = ({ records, flakes }) => {
  if (listed)
    console.log([...slowest(records, listed), ...computed(records, listed, computedSeconds())].join('\n'));
  for (const line of [...leftOut(records), ...flaky(flakes)]) console.log(line);
  for (const line of [...totals(records, Date.now() - startedAt), ...failing(records)]) console.log(line);
  const isRed = records.some(({ hasFailed, failures }) => hasFailed || failures.length > 0);
  return isRed || isInterrupted || (isSet('--strict') && flakes.length > 0) ? 1 : 0;
};

/** Starts the PostgreSQL that all tests share, unless there is one already. */
const openDatabase = async (dataDir) => {
  const url = process.env.TASKYARD_TEST_DATABASE_URL;
  if (url) return { url, close: () => {} };
  const { startEmbeddedPostgres, silentLog } = await import('../packages/server/dist/base/index.js');
  // What these tests write need not outlive the machine; those that are about durability start a server of their own.
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    max_connections: '300',
  };
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog, settings });
  return { url: server.tcpUrl, close: () => server.stop() };
};

process.chdir(root);
if (!isSet('--no-build')) {
  const build = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
  if (build.status !== 0) process.exit(build.status ?? 1);
}
const files = findTestFiles(filters);
if (files.length === 0) {
  console.error(`No test file's path contains ${filters.join(' or ')}.`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'taskyard-records-'));
const ciMark = process.env.TASKYARD_CI_MARK;
// CI finds by this name what is left in memory, and who still uses it.
const databases = mkdtempSync(join(quickFolder(), ciMark ? `ci-${ciMark}-` : 'taskyard-tests-'));
// PostgreSQL gives up root for a user of its own, who passes through.
chmodSync(databases, 0o711);
const removeAll = () => {
  for (const place of [folder, databases]) rmSync(place, { recursive: true, force: true, maxRetries: 10 });
};
// Ctrl-C reaches the runner as well, since it is in our group: we wait for its end, and clean up.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    isInterrupted = true;
    runner?.kill(signal);
  });
let outcome = { records: [], flakes: [] };
// Both are waited for, even if one fails or somebody presses Ctrl-C: a database that was started is stopped before its
// folder is removed.
const [database, made] = await Promise.allSettled([
  openDatabase(join(databases, 'shared')),
  makeForAll(files, { folder: join(folder, 'made'), databases }),
]);
try {
  const failure = [database, made].find(({ status }) => status === 'rejected');
  if (failure && !isInterrupted) throw failure.reason;
  const environment = { TASKYARD_TEST_DATABASE_URL: database.value?.url, ...made.value };
  if (!isInterrupted) outcome = await runAll(files, environment, folder);
} finally {
  await database.value?.close();
  removeAll();
}
// What the database has computed is known when it has ended.
process.exitCode = report(outcome);

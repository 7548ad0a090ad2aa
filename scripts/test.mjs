// `npm test`: builds, starts one PostgreSQL for the whole run, and hands it to Node's test runner.
//   npm test                                     all tests
//   npm test -- queue/claims                     the test files whose path contains that text
//   npm test -- --no-build queue                 what was compiled last
//   npm test -- --slow                           names the ten slowest files at the end
//   npm test -- --strict                         a flaky test is a failed one
//   npm test -- --test-name-pattern='second'     other options go to the runner, written with "="
// Files that fail run once more, alone, after all others. What passes then is reported as flaky.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTestFiles } from './test/files.mjs';
import { failing, flaky, leftOut, slowest, totals } from './test/summary.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const startedAt = Date.now();

const ownOptions = ['--no-build', '--slow', '--strict'];
const given = process.argv.slice(2);
const isOption = (argument) => argument.startsWith('-');
const isSet = (option) => given.includes(option);
const options = given.filter((argument) => isOption(argument) && !ownOptions.includes(argument));
const filters = given.filter((argument) => !isOption(argument));

/** `TASKYARD_TEST_PATIENCE` multiplies every bound of time in tests, the one of a whole file too. */
const patience = Number(process.env.TASKYARD_TEST_PATIENCE || 1);
const fileTimeoutMs = 900_000 * patience;

let runner;
let isInterrupted = false;

/** Runs the files, printing as it goes. Returns a record for each file. */
const runFiles = async ({ files, concurrency, environment, folder, name }) => {
  const record = join(folder, `${name}.json`);
  runner = spawn(
    process.execPath,
    [
      '--test',
      `--test-reporter=${new URL('test/reporter.mjs', import.meta.url)}`,
      '--test-reporter-destination=stdout',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${fileTimeoutMs}`,
      ...options,
      ...files,
    ],
    { stdio: 'inherit', env: { ...process.env, ...environment, TASKYARD_TEST_RECORD: record } },
  );
  const [code, signal] = await once(runner, 'exit');
  const records = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : [];
  // A runner that fails without a failed test could not do its work.
  if (code !== 0 && !records.some(({ failures }) => failures.length > 0))
    throw new Error(`The test runner ended with ${signal ?? `code ${code}`}.`);
  return records;
};

/** The test files that a failure comes from: the tests of a suite stand in a file that they import. */
const originsOf = (file, files) => {
  const itself = files.find((each) => resolve(each) === resolve(file));
  if (itself) return [itself];
  const name = `/${basename(file)}`;
  return files.filter((each) => readFileSync(each, 'utf8').includes(name));
};

const runAll = async (environment, folder) => {
  const concurrency = Math.max(3, availableParallelism());
  const files = findTestFiles(filters);
  const first = await runFiles({ files, concurrency, environment, folder, name: 'first' });
  const failed = first.filter(({ failures }) => failures.length > 0);
  if (failed.length === 0 || isInterrupted) return { records: first, flakes: [] };
  console.log(`\nOnce more, alone: ${failed.map(({ file }) => file).join(' ')}\n`);
  const again = await runFiles({
    files: [...new Set(failed.flatMap(({ file }) => originsOf(file, files)))],
    concurrency: 1,
    environment,
    folder,
    name: 'again',
  });
  const second = new Map(again.map((record) => [record.file, record]));
  const hasPassed = ({ file }) => second.get(file)?.failures.length === 0;
  return {
    records: first.map((record) => second.get(record.file) ?? record),
    flakes: failed.filter(hasPassed),
  };
};

const report = ({ records, flakes }) => {
  if (isSet('--slow')) console.log(slowest(records).join('\n'));
  for (const line of [...leftOut(records), ...flaky(flakes)]) console.log(line);
  for (const line of [...totals(records, Date.now() - startedAt), ...failing(records)]) console.log(line);
  const isRed = records.some(({ failures }) => failures.length > 0);
  return isRed || isInterrupted || (isSet('--strict') && flakes.length > 0) ? 1 : 0;
};

/** Starts the PostgreSQL that all tests share, unless there is one already. */
const openDatabase = async () => {
  const url = process.env.TASKYARD_TEST_DATABASE_URL;
  if (url) return { url, close: () => {} };
  const { startEmbeddedPostgres } = await import('../packages/server/dist/base/embedded-postgres/index.js');
  const { silentLog } = await import('../packages/server/dist/base/log.js');
  const dataDir = mkdtempSync(join(tmpdir(), 'taskyard-tests-'));
  // What these tests write need not outlive the machine; those that are about durability start a server of their own.
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    max_connections: '300',
  };
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog, settings });
  const close = async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { url: server.tcpUrl, close };
};

process.chdir(root);
if (!isSet('--no-build')) {
  const build = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
  if (build.status !== 0) process.exit(build.status ?? 1);
}
if (findTestFiles(filters).length === 0) {
  console.error(`No test file's path contains ${filters.join(' or ')}.`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'taskyard-records-'));
const database = await openDatabase();
// Ctrl-C reaches the runner as well, since it is in our group: we wait for its end, and clean up.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    isInterrupted = true;
    runner?.kill(signal);
  });
try {
  process.exitCode = report(await runAll({ TASKYARD_TEST_DATABASE_URL: database.url }, folder));
} finally {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
}

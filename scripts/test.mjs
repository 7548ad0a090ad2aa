// `npm test`: builds, starts one PostgreSQL for the whole run, and hands it to Node's test runner.
//   npm test                                     all tests
//   npm test -- queue/claims                     the test files whose path holds that text
//   npm test -- --no-build queue                 what was compiled last
//   npm test -- --test-name-pattern='second'     other options go to the runner, written with "="
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const given = process.argv.slice(2);
const isOption = (argument) => argument.startsWith('-');
const options = given.filter((argument) => isOption(argument) && argument !== '--no-build');
const filters = given.filter((argument) => !isOption(argument));

if (!given.includes('--no-build')) {
  const build = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
  if (build.status !== 0) process.exit(build.status ?? 1);
}

// A compiled test outlives the source that it was compiled from: only those whose source is there count.
const testsIn = ({ sources, compiled }) =>
  existsSync(compiled)
    ? readdirSync(compiled, { recursive: true })
        .filter(
          (name) => name.endsWith('.test.js') && existsSync(join(sources, name.replace(/\.js$/, '.ts'))),
        )
        .map((name) => join(compiled, name))
    : [];

// The journeys through the whole system wait more than they work: they start first, the short ones fill the gaps.
const places = [
  { sources: 'test', compiled: 'test/dist' },
  ...readdirSync('packages').map((name) => ({
    sources: join('packages', name, 'src'),
    compiled: join('packages', name, 'dist'),
  })),
];
const files = places
  .flatMap((place) => testsIn(place).sort())
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
if (files.length === 0) {
  console.error(`No test file's path holds ${filters.join(' or ')}.`);
  process.exit(1);
}

const { startEmbeddedPostgres } = await import('../packages/server/dist/base/embedded-postgres/index.js');
const { silentLog } = await import('../packages/server/dist/base/log.js');

const dataDir = mkdtempSync(join(tmpdir(), 'taskyard-tests-'));
// What these tests write need not outlive the machine; those that are about durability start a server of their own.
const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '300' };
const server = await startEmbeddedPostgres({ dataDir, log: silentLog, settings });

const runner = spawn(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${Math.max(3, availableParallelism())}`,
    // For a whole file: the conformance suite takes two minutes, more on a busy machine.
    '--test-timeout=600000',
    ...options,
    ...files,
  ],
  { stdio: 'inherit', env: { ...process.env, TASKYARD_TEST_DATABASE_URL: server.tcpUrl } },
);
// Ctrl-C reaches the runner as well, since it is in our group: we wait for its end, and clean up.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => runner.kill('SIGTERM'));
const [code] = await once(runner, 'exit');
await server.stop();
rmSync(dataDir, { recursive: true, force: true });
process.exitCode = code ?? 1;

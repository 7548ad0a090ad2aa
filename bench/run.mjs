// `npm run bench`: starts a platform, measures it row by row, and prints the figures beside those of the run before.
//   npm run bench                       all rows, about 8 minutes
//   npm run bench -- --quick            the same with less of each, about 2 minutes
//   npm run bench -- create life        the rows whose names begin so
//   npm run bench -- --large depth      also those that fill in a million tasks
//   npm run bench -- --profile life     a CPU profile of the server, summed up by function
//   npm run bench -- --statements life  what PostgreSQL spent on which statement
//   npm run bench -- --peers --against 62a5a1e  beside another commit and beside job libraries, three rounds in turn
import { parseArgs } from 'node:util';
import { loadOn } from './load.mjs';
import { compare } from './peers/compare.mjs';
import { connect, newFolder, startPlatform } from './platform.mjs';
import { printProfile } from './profile.mjs';
import { measureRaw } from './raw.mjs';
import { keep, readLast } from './results.mjs';
import { rows } from './rows/index.mjs';
import { printStatements, statementSettings } from './statements.mjs';
import { lineOf, tableOf } from './table.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    statements: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    against: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
});

if (options.peers || options.against !== undefined) {
  await compare({ ...options, rounds: Number(options.rounds), starts: positionals });
  process.exit();
}

const wanted = rows.filter(
  ({ name, isLarge }) =>
    (!isLarge || options.large) &&
    (positionals.length === 0 || positionals.some((start) => name.startsWith(start))),
);
if (wanted.length === 0) {
  console.error(`No row begins so. There are: ${rows.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

/** Measures the rows, one after the other; a row that fails is told of and left out. */
const measureAll = async (platform, before) => {
  const load = loadOn(platform);
  const share = options.quick ? 0.2 : 1;
  const lines = [];
  for (const row of wanted) {
    try {
      const line = { row, result: await row.run(load, { share }), previous: before[row.name] };
      lines.push(line);
      console.error(lineOf(line));
    } catch (error) {
      console.error(`${row.title}: ${error.stack}`);
      process.exitCode = 1;
    }
  }
  return lines;
};

const profiles = options.profile ? newFolder('profile') : undefined;
const platform = await startPlatform({
  nodeOptions: profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [],
  settings: options.statements ? statementSettings : {},
});
const before = readLast();
try {
  if (options.statements) await platform.db`create extension pg_stat_statements`;
  const lines = await measureAll(platform, before);
  if (options.statements) await printStatements(platform.db);
  const needsRaw = lines.some(({ row }) => row.raw);
  const raw = needsRaw
    ? await measureRaw({ ...platform, connect, seconds: options.quick ? 2 : 5 })
    : undefined;
  console.log(
    `\nTimes in ms. "server" and "PostgreSQL" are CPU-seconds for 1,000 operations, the generator's not among them.`,
  );
  console.log(tableOf(lines.map((line) => ({ ...line, raw }))).join('\n'));
  if (raw) {
    const rates = Object.entries(raw.rates).map(([name, rate]) => `${name} ${Math.round(rate)}`);
    console.log(`\nRaw PostgreSQL by ${raw.by}, transactions a second: ${rates.join(', ')}`);
  }
  // Profiled figures are no figures.
  if (!options.profile && !options.statements) {
    keep(Object.fromEntries(lines.map(({ row, result }) => [row.name, result])));
  }
} finally {
  await platform.stop();
}
if (profiles) printProfile(profiles);

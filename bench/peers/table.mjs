// The medians of all rounds: what each system took, and how much this build takes of that.
import { markdownOf, short } from '../table.mjs';

const median = (values) => {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return sorted.length === 0 ? undefined : (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
};

/** Answers the median of one value of a system's row over all rounds. */
const mediansOf = (results) => (system, row, name) =>
  median(results.filter((one) => one.system === system && one.row === row).map((one) => one[name]));

/** The value of a row that is compared, of which less is better: CPU-seconds for 1,000 jobs, megabytes, cores or milliseconds. */
const compared = (of, system, { name, watches, seconds }) => {
  if (watches) return of(system, name, 'megabytes');
  if (seconds) return of(system, name, 'cores');
  if (name === 'start') return of(system, name, 'p50');
  const [server, postgres] = [of(system, name, 'server'), of(system, name, 'postgres')];
  return server === undefined || postgres === undefined ? undefined : server + postgres;
};

const measuredCell = (of, system, row) => {
  const { name, watches, seconds } = row;
  const value = compared(of, system, row);
  if (value === undefined) return '';
  if (watches || seconds) return short(value);
  if (name === 'start') return `${short(value)} / ${short(of(system, name, 'p99'))}`;
  const cpu = `${short(of(system, name, 'server'))} + ${short(of(system, name, 'postgres'))}`;
  return `${short(of(system, name, 'rate'))} /s, ${cpu}, ${short(of(system, name, 'walBytes'))} B`;
};

const ratio = (value, other) => (value && other ? (value / other).toFixed(2) : '');

const ratioCell = (of, own, system, row) => {
  const theirs = {
    ...row,
    name: of(system, row.name, 'server') === undefined && row.comparedWith ? row.comparedWith : row.name,
  };
  const cpu = ratio(compared(of, own, row), compared(of, system, theirs));
  const rate = ratio(of(own, row.name, 'rate'), of(system, theirs.name, 'rate'));
  const wal = ratio(of(own, row.name, 'walBytes'), of(system, theirs.name, 'walBytes'));
  if (!cpu || row.watches || row.seconds) return cpu;
  return row.name === 'start' ? cpu : `${cpu}, rate ${rate}, WAL ${wal}`;
};

const othersCell = (results, { name }) =>
  short(median(results.filter((one) => one.row === name).map(({ others }) => others)));

/** Lines of two tables: what was measured of each system, and what the first of them takes of what the others do. */
export const comparisonOf = (rows, systems, results) => {
  const of = mediansOf(results);
  const [own, ...others] = systems;
  const measured = rows.map((row) => ({
    what: row.title,
    ...Object.fromEntries(systems.map((system) => [system, measuredCell(of, system, row)])),
    'load of others, cores': othersCell(results, row),
  }));
  const ratios = rows.map((row) => ({
    [`${own} divided by …`]: row.title,
    ...Object.fromEntries(others.map((system) => [system, ratioCell(of, own, system, row)])),
  }));
  return [...markdownOf(measured), '', ...markdownOf(ratios)];
};

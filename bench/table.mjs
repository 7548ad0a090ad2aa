// A table that reads well in a terminal and is Markdown as well.

/** Three digits that count. */
export const short = (value) => {
  if (value === undefined || Number.isNaN(value)) return '';
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(value < 0.01 ? 4 : 2);
};

const cells = ({ row, result, previous, raw }) => {
  const rawRate = raw?.rates[row.raw];
  return {
    what: row.title,
    now: `${short(result.value)} ${row.unit}`,
    before: previous ? short(previous.value) : '',
    '×': previous ? `${(result.value / previous.value).toFixed(2)}` : '',
    p50: short(result.p50),
    p99: short(result.p99),
    server: short(result.cpuPer1000?.server),
    PostgreSQL: short(result.cpuPer1000?.postgres),
    'of raw': rawRate && !row.isTime ? `${Math.round((result.value / rawRate) * 100)} %` : '',
    goal: row.goal,
    original: row.original,
  };
};

const pad = (text, width) => text + ' '.repeat(width - text.length);

/** Lines of a Markdown table; each record is a line of it, with the same names. */
export const markdownOf = (table) => {
  const names = Object.keys(table[0] ?? {});
  const widths = names.map((name) => Math.max(name.length, ...table.map((line) => line[name].length)));
  const show = (texts) => `| ${texts.map((text, i) => pad(text, widths[i])).join(' | ')} |`;
  return [
    show(names),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...table.map((line) => show(names.map((name) => line[name]))),
  ];
};

/** Lines of a table of results. */
export const tableOf = (lines) => markdownOf(lines.map(cells));

/** A result in one line, while the others are still to come. */
export const lineOf = ({ row, result, previous }) => {
  const { cpuPer1000, p50, p99, note } = result;
  return [
    `${row.title}: ${short(result.value)} ${row.unit}`,
    ...(previous ? [`before ${short(previous.value)}`] : []),
    ...(p99 === undefined ? [] : [`p50 ${short(p50 ?? result.value)} p99 ${short(p99)} ms`]),
    ...(cpuPer1000
      ? [`CPU-s per 1,000: server ${short(cpuPer1000.server)} PostgreSQL ${short(cpuPer1000.postgres)}`]
      : []),
    ...(note ? [note] : []),
  ].join('; ');
};

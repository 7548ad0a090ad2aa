import stringWidth from 'string-width';
import { harmless, type Paint, type Style } from '../io.ts';
import { durationText } from './duration.ts';
import { type FollowedTask, type GroupState, reasonOf, stateOf } from './group-state.ts';

/** What the table shows, and of when. */
export interface TableView {
  readonly title: string;
  readonly group: GroupState;
  readonly startedAt: Date;
  readonly now: Date;
  /** How long a task of this label took last time, in milliseconds. */
  readonly expectedMs: (label: string) => number | undefined;
}
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

type Look = 'waiting' | 'blocked' | 'skipped' | Exclude<ReturnType<typeof stateOf>, 'unscheduled'>;

const symbols: Readonly<Record<Look, string>> = {
  failed: '✖',
  exception: '✖',
  running: '▶',
  pending: '◦',
  completed: '✔',
  waiting: '·',
  blocked: '⊘',
  skipped: '⊘',
};
const styles: Readonly<Record<Look, Style>> = {
  failed: 'red',
  exception: 'red',
  running: 'cyan',
  pending: 'yellow',
  completed: 'green',
  waiting: 'gray',
  blocked: 'gray',
  skipped: 'gray',
};
// What matters most comes first when not all fit.
const ranks = Object.keys(symbols) as Look[];

interface Row {
  readonly task: FollowedTask;
  readonly look: Look;
}

const lookOf = (task: FollowedTask, blocked: ReadonlySet<string>): Look => {
  const state = stateOf(task);
  if (task.skipped !== undefined && state === 'exception') return 'skipped';
  if (state !== 'unscheduled') return state;
  return blocked.has(task.taskId) ? 'blocked' : 'waiting';
};

/** The text in exactly this many columns: cut with an ellipsis, or filled up with blanks. */
export const fit = (text: string, width: number): string => {
  const clean = harmless(text).replaceAll(/\s/g, ' ');
  if (stringWidth(clean) <= width) return clean + ' '.repeat(width - stringWidth(clean));
  let cut = '';
  for (const character of clean) {
    if (stringWidth(cut + character) > width - 1) break;
    cut += character;
  }
  return `${cut}…${' '.repeat(Math.max(0, width - 1 - stringWidth(cut)))}`.slice(0, Math.max(width, 0));
};

/** A bar that is filled to a fraction of its width. */
export const bar = (fraction: number, width: number): string => {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return '━'.repeat(filled) + '─'.repeat(width - filled);
};

// Nobody knows when it will be done: a block wanders through the bar.
const wanderingBar = (elapsedMs: number, width: number): string => {
  const block = Math.max(1, Math.round(width / 4));
  const at = Math.floor(elapsedMs / 200) % (width + block);
  const inBlock = (column: number): boolean => column <= at && column > at - block;
  return Array.from({ length: width }, (_, column) => (inBlock(column) ? '━' : '─')).join('');
};

const timeOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : new Date(text).getTime();

/** How long the task's last run has been going, or went, in milliseconds. */
export const elapsedMs = ({ status }: FollowedTask, now: Date): number | undefined => {
  const run = status?.runs.at(-1);
  const started = timeOf(run?.started);
  return started === undefined ? undefined : (timeOf(run?.resolved) ?? now.getTime()) - started;
};

const barOf = ({ task, look }: Row, view: TableView, width: number): string => {
  if (look === 'waiting' || look === 'blocked' || look === 'pending') return ' '.repeat(width);
  if (look !== 'running') return bar(1, width);
  const elapsed = elapsedMs(task, view.now) ?? 0;
  const expected = view.expectedMs(task.label);
  return expected ? bar(Math.min(0.95, elapsed / expected), width) : wanderingBar(elapsed, width);
};

const stateText = ({ task, look }: Row): string => {
  const attempt = (task.status?.runs.length ?? 0) > 1 ? ` (run ${(task.status?.runs.length ?? 1) - 1})` : '';
  return `${look === 'exception' ? (reasonOf(task) ?? look) : look}${attempt}`;
};

const barWidth = 20;
const stateWidth = 20;
const timeWidth = 8;

const rowText = (row: Row, view: TableView, { size, paint }: { size: Size; paint: Paint }): string => {
  const hasState = size.columns >= 40;
  const hasBar = size.columns >= 72;
  const rest = 2 + timeWidth + (hasState ? stateWidth + 1 : 0) + (hasBar ? barWidth + 1 : 0);
  const label = fit(row.task.label, Math.max(4, Math.min(60, size.columns - rest - 2)));
  const elapsed = elapsedMs(row.task, view.now);
  const time = (elapsed === undefined ? '' : durationText(elapsed)).padStart(timeWidth);
  const parts = [
    paint(styles[row.look], symbols[row.look]),
    label,
    ...(hasBar ? [paint(styles[row.look], barOf(row, view, barWidth))] : []),
    time,
    ...(hasState ? [paint(styles[row.look], fit(stateText(row), stateWidth).trimEnd())] : []),
  ];
  return parts.join(' ').trimEnd();
};

const countText = (rows: readonly Row[]): string =>
  ranks
    .map((look) => [rows.filter((row) => row.look === look).length, look] as const)
    .filter(([count]) => count > 0)
    .map(([count, look]) => `${count} ${look}`)
    .join(', ');

/** The rows to show: all in their order when they fit, else the most telling ones. */
const chosen = (rows: readonly Row[], room: number): { shown: readonly Row[]; hidden: readonly Row[] } => {
  if (rows.length <= room) return { shown: rows, hidden: [] };
  const ranked = rows
    .map((row, at) => ({ row, at, rank: ranks.indexOf(row.look) }))
    .sort((a, b) => a.rank - b.rank || (a.row.look === 'completed' ? b.at - a.at : a.at - b.at))
    .map(({ row }) => row);
  return { shown: ranked.slice(0, Math.max(0, room - 1)), hidden: ranked.slice(Math.max(0, room - 1)) };
};

/** The whole table: a headline, a bar for the graph, and a row for each task that there is room for. */
export const renderTable = (view: TableView, size: Size, paint: Paint): string => {
  const blocked =
    view.group.counts.failed + view.group.counts.exception > 0 ? view.group.blocked() : new Set<string>();
  const rows = view.group.tasks.map((task) => ({ task, look: lookOf(task, blocked) }));
  const done =
    view.group.tasks.length -
    rows.filter(({ look }) => ['waiting', 'pending', 'running'].includes(look)).length;
  const elapsed = durationText(view.now.getTime() - view.startedAt.getTime());
  const headline = `${view.title}  ${countText(rows)}  ${elapsed}`;
  const whole = bar(rows.length === 0 ? 0 : done / rows.length, Math.max(4, Math.min(60, size.columns - 16)));
  const { shown, hidden } = chosen(rows, Math.max(3, size.rows - 4));
  return [
    paint('bold', fit(headline, size.columns - 1).trimEnd()),
    `${paint('green', whole)} ${done} of ${rows.length}`,
    ...shown.map((row) => rowText(row, view, { size, paint })),
    ...(hidden.length > 0
      ? [fit(`… and ${hidden.length} more: ${countText(hidden)}`, size.columns - 1).trimEnd()]
      : []),
  ].join('\n');
};

import type { ListGroupLinesResponse, TaskStatus } from '@taskyard/client/browser';
import { type TaskState, taskStates } from '../shell/state-mark.tsx';

/** A task of a group, in short. */
export type Line = ListGroupLinesResponse['tasks'][number];

/** How many tasks are in each state. */
export const countStates = (lines: readonly Line[]): Record<TaskState, number> => {
  const counts = Object.fromEntries(taskStates.map((state) => [state, 0])) as Record<TaskState, number>;
  for (const { state } of lines) counts[state] += 1;
  return counts;
};

/** Whether a task has ended. */
export const isOver = ({ state }: Line): boolean => ['completed', 'failed', 'exception'].includes(state);

/** Whether a task waits for its own end, which is allowed: it starts only when a user schedules it. */
export const waitsForItself = ({ taskId, state, dependencies }: Line): boolean =>
  state === 'unscheduled' && dependencies.includes(taskId);

/** Whether a task has ended without success. */
export const wentWrong = ({ state }: Line): boolean => state === 'failed' || state === 'exception';

const time = (value: string | undefined): string => value ?? '';

/** How a status changes the line of its task. Messages come in order for each task, but may be older than the line. */
export const updated = (line: Line, { state, runs, priority }: TaskStatus): Line => {
  if (runs.length < line.runs) return line;
  const last = runs.at(-1);
  if (runs.length === line.runs && line.resolved && !last?.resolved) return line;
  const {
    reasonResolved: _reason,
    scheduled: _scheduled,
    started: _started,
    resolved: _resolved,
    ...rest
  } = line;
  return {
    ...rest,
    state,
    runs: runs.length,
    priority: priority ?? line.priority,
    ...(last?.reasonResolved ? { reasonResolved: last.reasonResolved } : {}),
    ...(last?.scheduled ? { scheduled: last.scheduled } : {}),
    ...(last?.started ? { started: last.started } : {}),
    ...(last?.resolved ? { resolved: last.resolved } : {}),
  };
};

/** What the user wants to see of a group. */
export interface Selection {
  readonly state?: string | undefined;
  readonly q?: string | undefined;
  readonly sort?: string | undefined;
}

/** What went wrong first: the order of the server's selections. */
const byTrouble: readonly TaskState[] = [
  'failed',
  'exception',
  'running',
  'pending',
  'unscheduled',
  'completed',
];

const orders: Readonly<Record<string, (a: Line, b: Line) => number>> = {
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  state: (a, b) => byTrouble.indexOf(a.state) - byTrouble.indexOf(b.state),
  queue: (a, b) => (a.taskQueueId < b.taskQueueId ? -1 : a.taskQueueId > b.taskQueueId ? 1 : 0),
  started: (a, b) => (time(a.started) < time(b.started) ? 1 : time(a.started) > time(b.started) ? -1 : 0),
  duration: (a, b) => lengthOf(b) - lengthOf(a),
};
export const sortNames = Object.keys(orders);

const lengthOf = ({ started, resolved }: Line): number =>
  started && resolved ? new Date(resolved).getTime() - new Date(started).getTime() : -1;

/** The lines that fit, in order: by state with what went wrong first, unless another order is wanted. */
export const selectLines = (lines: readonly Line[], { state, q = '', sort = 'state' }: Selection): Line[] => {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const states = state ? state.split(',') : undefined;
  const fitting = lines.filter(
    (line) =>
      (!states || states.includes(line.state)) &&
      words.every((word) => `${line.name}\n${line.taskQueueId}\n${line.taskId}`.toLowerCase().includes(word)),
  );
  const order = orders[sort] ?? orders.state;
  return fitting.sort((a, b) => order?.(a, b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
};

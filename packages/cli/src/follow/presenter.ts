import { createLogUpdate } from 'log-update';
import { harmless, type Io, paintFor, remark, type Style, say, sayJsonLine } from '../io.ts';
import { durationText } from './duration.ts';
import { type Change, type GroupState, reasonOf, type TaskState } from './group-state.ts';
import { renderTable } from './table.ts';

/** The followed group. */
export interface Subject {
  readonly title: string;
  readonly taskGroupId: string;
  /** The page of the group. */
  readonly url: string;
  readonly group: GroupState;
  readonly startedAt: Date;
  readonly expectedMs: (label: string) => number | undefined;
}

/** Shows the progress of a group. */
export interface Presenter {
  /** The tasks exist. */
  readonly begin: () => void;
  readonly change: (change: Change) => void;
  /** Shows a notice. */
  readonly note: (text: string) => void;
  /** Stops; the output stays. */
  readonly end: () => void;
}

// Drawing must not take CPU time from the tasks, so a large graph is drawn less often.
const frameMs = ({ size }: GroupState): number => (size > 2000 ? 500 : 100);

/** A table that is redrawn. */
const tablePresenter = (io: Io, subject: Subject): Presenter => {
  const draw = createLogUpdate(io.stdout as NodeJS.WriteStream, { showCursor: false });
  const paint = paintFor(io, io.stdout);
  const render = (): string => {
    const size = { columns: io.stdout.columns ?? 80, rows: io.stdout.rows ?? 24 };
    return renderTable({ ...subject, now: new Date() }, size, paint);
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    begin: () => {
      say(io, paint('gray', subject.url));
      timer = setInterval(() => draw(render()), frameMs(subject.group));
    },
    change: () => {},
    note: (text) => draw.persist(text),
    end: () => {
      if (!timer) return;
      clearInterval(timer);
      draw(render());
      draw.done();
    },
  };
};

const stateStyles: Partial<Record<TaskState, Style>> = {
  completed: 'green',
  failed: 'red',
  exception: 'red',
};

/** The line of a change: `  12.3s  completed  build:lodash`. */
export const changeLine = (
  { task, state }: Change,
  elapsed: number,
): [time: string, state: string, rest: string] => {
  const reason = reasonOf(task);
  const run = task.status?.runs.at(-1);
  const isRetry = run?.reasonCreated === 'retry' || run?.reasonCreated === 'task-retry';
  const remarkText = isRetry && state === 'pending' ? ' (runs again)' : reason ? ` (${reason})` : '';
  return [durationText(elapsed).padStart(8), state.padEnd(9), harmless(task.label) + remarkText];
};

/** A line for each relevant change. */
const linePresenter = (io: Io, subject: Subject): Presenter => {
  const paint = paintFor(io, io.stdout);
  return {
    begin: () => say(io, `${subject.title}: ${subject.group.size} tasks, ${subject.url}`),
    change: (change) => {
      const isFirstPending = change.state === 'pending' && (change.task.status?.runs.length ?? 0) < 2;
      if (isFirstPending || change.state === 'unscheduled') return;
      const [time, state, rest] = changeLine(change, Date.now() - subject.startedAt.getTime());
      const style = stateStyles[change.state];
      say(io, `${time}  ${style ? paint(style, state) : state}  ${rest}`);
    },
    note: (text) => remark(io, text),
    end: () => {},
  };
};

/** One JSON object a line. */
const jsonPresenter = (io: Io, subject: Subject): Presenter => ({
  begin: () => {
    const { taskGroupId, url, group, title } = subject;
    const tasks = group.tasks.map(({ taskId, label }) => ({ taskId, label }));
    sayJsonLine(io, { type: 'group', at: new Date().toJSON(), name: title, taskGroupId, url, tasks });
  },
  change: ({ task, state }) => {
    const run = task.status?.runs.at(-1);
    const { taskId, label } = task;
    const reason = reasonOf(task);
    sayJsonLine(io, {
      type: 'task',
      at: new Date().toJSON(),
      taskId,
      label,
      state,
      ...(run ? { runId: run.runId } : {}),
      ...(reason ? { reason } : {}),
    });
  },
  note: (text) => sayJsonLine(io, { type: 'note', at: new Date().toJSON(), text }),
  end: () => {},
});

/** Chooses a presenter: JSON on demand, a table on a terminal, lines elsewhere. */
export const presenterFor = (io: Io, subject: Subject, json: true | undefined): Presenter => {
  if (json) return jsonPresenter(io, subject);
  return io.stdout.isTTY ? tablePresenter(io, subject) : linePresenter(io, subject);
};

import type { RunStatus } from '../../queue/index.ts';
import { categoriesOf, type Field, type Marker, markerSchema, profileOf } from './profile.ts';

/** A task of a group, as its profile shows it. */
export interface ProfiledTask {
  readonly taskId: string;
  readonly name: string;
  readonly owner: string;
  readonly source: string;
  readonly description: string;
  readonly retries: number;
  readonly runs: readonly RunStatus[];
}

export interface ProfiledGroup {
  readonly taskGroupId: string;
  readonly expires: Date;
  readonly tasks: readonly ProfiledTask[];
  readonly now: Date;
  readonly rootUrl: string;
}

const text = (key: string, label: string, more: Partial<Field> = {}): Field => ({
  key,
  label,
  format: 'string',
  ...more,
});
const link = (key: string, label: string): Field => ({ key, label, format: 'url' });

const schemas = [
  markerSchema('Task', 'name', [
    text('startTime', 'Start time'),
    text('name', 'Task Name', { searchable: true }),
    text('taskId', 'Task ID'),
    text('owner', 'Owner'),
    text('retries', 'Retries'),
    text('state', 'State'),
    text('reasonCreated', 'Reason Created'),
    text('reasonResolved', 'Reason Resolved'),
    text('description', 'Description'),
    link('taskURL', 'Task URL'),
    link('source', 'Source URL'),
    link('taskGroup', 'Task Group URL'),
    link('liveLog', 'Live Log'),
  ]),
  markerSchema('TaskGroup', 'name', [
    text('startTime', 'Start time'),
    text('name', 'Task Group ID', { searchable: true }),
    text('expires', 'Expires'),
    { key: 'tasks', label: 'Tasks', format: 'integer' },
    link('url', 'URL'),
  ]),
];

const categories = categoriesOf({ Other: 'grey', Task: 'lightblue' });
/** Of all markers. */
const category = 1;

const msOf = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time);

/** A run that has begun, or ended without that. */
interface Span {
  readonly task: ProfiledTask;
  readonly run: RunStatus;
  readonly startMs: number;
  readonly endMs: number | undefined;
}

const spansOf = (tasks: readonly ProfiledTask[]): Span[] =>
  tasks
    .flatMap((task) =>
      task.runs.flatMap((run) => {
        const startMs = msOf(run.started ?? run.resolved);
        return startMs === undefined ? [] : [{ task, run, startMs, endMs: msOf(run.resolved) }];
      }),
    )
    .sort((a, b) => a.startMs - b.startMs);

/** From the first start to the last end of these, while all have ended. */
const rangeOf = (spans: readonly Span[]) => {
  const ends = spans.map(({ endMs }) => endMs);
  const known = ends.filter((end) => end !== undefined);
  return {
    startMs: spans[0]?.startMs ?? 0,
    endMs: known.reduce((latest, end) => Math.max(latest, end), 0),
    isOver: known.length === ends.length,
  };
};

const taskMarker = ({ task, run, startMs, endMs }: Span, group: ProfiledGroup, zeroMs: number): Marker => {
  const { taskId, name, owner, source, description, retries } = task;
  const { runId, state, reasonCreated, reasonResolved } = run;
  const { rootUrl, taskGroupId, now } = group;
  const isFirstTry = state === 'completed' && runId === 0;
  return {
    name: state === 'completed' ? 'Task' : `Task (${reasonResolved ?? state})`,
    start: startMs - zeroMs,
    end: (endMs ?? now.getTime()) - zeroMs,
    category,
    data: {
      type: 'Task',
      startTime: new Date(startMs).toJSON(),
      name: isFirstTry ? name : `${name} (run ${runId})`,
      taskId,
      owner,
      description,
      source,
      retries: `${runId} / ${retries}`,
      state,
      reasonCreated,
      ...(reasonResolved === undefined ? {} : { reasonResolved }),
      taskURL: `${rootUrl}/tasks/${taskId}`,
      taskGroup: `${rootUrl}/tasks/groups/${taskGroupId}`,
      liveLog: `${rootUrl}/tasks/${taskId}/runs/${runId}/logs/public/logs/live.log`,
    },
  };
};

/** When the tasks of a group ran, for the Firefox Profiler. */
export const groupProfile = (group: ProfiledGroup) => {
  const { taskGroupId, expires, tasks, rootUrl } = group;
  const spans = spansOf(tasks);
  const zeroMs = spans[0]?.startMs ?? 0;
  const whole = (name: string, some: readonly Span[]): Marker[] => {
    if (some.length === 0) return [];
    const { startMs, endMs, isOver } = rangeOf(some);
    const data = {
      type: 'TaskGroup',
      startTime: new Date(startMs).toJSON(),
      name: taskGroupId,
      expires: expires.toJSON(),
      tasks: tasks.length,
      url: `${rootUrl}/tasks/groups/${taskGroupId}`,
    };
    const end = isOver ? endMs - zeroMs : null;
    return [{ name, start: startMs - zeroMs, end, isOpen: !isOver, category, data }];
  };
  const { endMs, isOver } = rangeOf(spans);
  // By the names that the original's tools give them, so that what people ask for later does not seem to be a part of it.
  const ordinary = spans.filter(({ task }) => !task.name.startsWith('Action:'));
  return profileOf({
    title: `Task Group ${taskGroupId} - ${new Date(zeroMs).toJSON().slice(0, 10)}`,
    startMs: zeroMs,
    markerSchema: schemas,
    categories,
    thread: {
      name: taskGroupId,
      end: isOver && spans.length > 0 ? endMs - zeroMs : null,
      markers: [
        ...whole('TaskGroup', spans),
        ...whole('TaskGroup (no actions)', ordinary),
        ...spans.map((span) => taskMarker(span, group, zeroMs)),
      ],
    },
  });
};

import { categoriesOf, type Marker, markerSchema, profileOf, Texts } from './profile.ts';

/** A task whose log is shown. */
export interface LoggedTask {
  readonly taskId: string;
  readonly taskGroupId: string;
  readonly name: string;
  readonly created: string;
  readonly rootUrl: string;
}

const schemas = [
  markerSchema('LiveLogRow', 'message', [
    { key: 'startTime', label: 'Start time', format: 'string' },
    { key: 'message', label: 'Log Message', format: 'unique-string', searchable: true },
  ]),
  markerSchema('Task', 'taskName', [
    { key: 'taskName', label: 'Task Name', format: 'string', searchable: true },
    { key: 'taskURL', label: 'Task', format: 'url' },
    { key: 'taskGroupURL', label: 'Task Group', format: 'url' },
    { key: 'taskId', label: 'Task ID', format: 'string' },
    { key: 'taskGroupId', label: 'Task Group ID', format: 'string' },
  ]),
];

const colors = {
  none: 'grey',
  fetches: 'purple',
  vcs: 'orange',
  setup: 'lightblue',
  taskcluster: 'green',
  Task: 'lightblue',
  Log: 'green',
};
const names = Object.keys(colors);
const categoryOf = (component: string): number =>
  names.includes(component) ? names.indexOf(component) : names.indexOf('Log');

/** `[taskcluster 2026-01-01T00:00:00.000Z] text` or `[vcs:info 2026-…] text` */
const timed = /^\s*\[(\w+)(?::\w+)?\s+(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))\]\s*(.*)$/;
/** Programs may write a time once more. */
const secondTime = /^\s*\[[\d\-T:.Z+ ]+\]\s*/;

interface Row {
  readonly component: string;
  /** Undefined before the first time of the log. */
  readonly atMs: number | undefined;
  readonly message: number;
}

/** Builds the profile of a log, line by line: each line is a moment, at the last time that was written before. */
export class LogProfile {
  readonly #texts = new Texts();
  readonly #rows: Row[] = [];
  #startMs: number | undefined;
  #lastMs: number | undefined;

  add(line: string): void {
    if (line.trim() === '') return;
    const [, component = '', time = '', text = ''] = timed.exec(line) ?? [];
    const atMs = time === '' ? Number.NaN : Date.parse(time);
    if (Number.isNaN(atMs)) {
      this.#rows.push({ component: 'no timestamp', atMs: this.#lastMs, message: this.#texts.place(line) });
      return;
    }
    this.#startMs ??= atMs;
    this.#lastMs = atMs;
    this.#rows.push({ component, atMs, message: this.#texts.place(text.replace(secondTime, '')) });
  }

  result({ taskId, taskGroupId, name, created, rootUrl }: LoggedTask) {
    const startMs = this.#startMs ?? Date.parse(created);
    const endMs = this.#lastMs ?? startMs;
    const task: Marker = {
      name,
      start: 0,
      end: Math.max(0, endMs - startMs),
      category: categoryOf('Task'),
      data: {
        type: 'Task',
        name: 'Task',
        taskName: name,
        taskId,
        taskGroupId,
        taskURL: `${rootUrl}/tasks/${taskId}`,
        taskGroupURL: `${rootUrl}/tasks/groups/${taskGroupId}`,
      },
    };
    const lines = this.#rows.map(
      ({ component, atMs = startMs, message }): Marker => ({
        name: component,
        start: atMs - startMs,
        end: null,
        category: categoryOf(component),
        data: { type: 'LiveLogRow', message },
      }),
    );
    return profileOf({
      title: `${name} ${taskId} - ${created.slice(0, 10)}`,
      startMs,
      markerSchema: schemas,
      categories: categoriesOf(colors),
      thread: {
        name: 'Live Log',
        markers: [task, ...lines],
        texts: this.#texts,
        end: Math.max(0, endMs - startMs),
      },
    });
  }
}

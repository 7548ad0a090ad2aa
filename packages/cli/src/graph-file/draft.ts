import {
  type Fields,
  isFields,
  type Mistake,
  mergeOver,
  type Path,
  type Refusal,
  type Source,
  suggestion,
  type Validate,
  validatorOf,
} from '@taskyard/taskcluster-yml/template';
import { completeTask, type Setting, type TaskBody } from './complete.ts';
import type { Entry } from './expand.ts';
import { inOurWords } from './foreign-keys.ts';
import { taskSchema } from './schema.ts';

/** A task of the file (with the defaults), and its form for the queue. */
export interface Draft {
  readonly label: string;
  readonly path: Path;
  readonly taskId: string;
  readonly written: unknown;
  readonly task: TaskBody;
  /** Whether it works on the source of the graph, if the graph has one. */
  readonly hasSource: boolean;
}

export const draftOf = ({ label, path, task }: Entry, defaults: Fields, setting: Setting): Draft => {
  const written = mergeOver(defaults, task);
  const body = completeTask(label, isFields(written) ? written : {}, setting);
  const hasSource = isFields(written) && written.source !== false && runsCommands(body);
  return { label, path, taskId: setting.taskId(label), written, task: body, hasSource };
};

/** Whether it runs anything. The server's built-in workers take tasks that only mark a point in the graph. */
const runsCommands = ({ payload }: TaskBody): boolean => 'command' in payload || 'image' in payload;

/** A mistake in a field of a task, shown in the task or, if it comes from there, in the defaults. */
export const mistakeIn = (
  source: Source,
  { label, path }: Pick<Draft, 'label' | 'path'>,
  { path: rest, message }: { readonly path: Path; readonly message: string },
): Mistake => {
  const inTask = [...path, ...rest];
  const inDefaults = ['defaults', ...rest];
  const isInherited = source.reach(inTask) < inTask.length && source.reach(inDefaults) === inDefaults.length;
  return source.mistake(isInherited ? inDefaults : inTask, message, label);
};

/** What a task is checked against. */
export interface Rules {
  /** All labels of the file; absent when some could not be read, since then no label counts as unknown. */
  readonly labels?: ReadonlySet<string>;
  /** Whether the graph has a source. */
  readonly hasOrigin: boolean;
  readonly taskSchema?: object;
  readonly payloadSchema?: object;
  /** The queue whose tasks have such payloads; those of other queues are for other workers. */
  readonly taskQueueId?: string;
}

const checkForm = validatorOf(taskSchema);

/** Checks a single task: its form, its dates, its queue, its payload, the labels that it needs. */
export const checkerOf = (source: Source, rules: Rules): ((draft: Draft) => Mistake[]) => {
  const { labels } = rules;
  const checkBody = optionalValidator(rules.taskSchema);
  const checkPayload = optionalValidator(rules.payloadSchema);
  return ({ task, written, ...draft }) => {
    const unmountable = rules.hasOrigin && draft.hasSource ? checkMountable(task) : [];
    const misshapen = [
      ...checkForm(written).map((refusal) => inOurWords(refusal, written)),
      ...checkWork(written),
    ];
    // The queue's schema would report the same mistakes again.
    const refused =
      misshapen.length > 0 ? misshapen : [...checkDates(task), ...checkQueue(task), ...checkBody(task)];
    const isOurs = rules.taskQueueId === undefined || task.taskQueueId === rules.taskQueueId;
    const payload = isOurs ? checkPayload(task.payload).map((refusal) => inside('payload', refusal)) : [];
    const unknown = labels === undefined ? [] : checkNeeds(written, labels);
    return [...refused, ...payload, ...unmountable, ...unknown].map((refusal) =>
      mistakeIn(source, draft, refusal),
    );
  };
};

const optionalValidator = (schema: object | undefined): Validate =>
  schema === undefined ? () => [] : validatorOf(schema);

const inside = (key: string, { path, message }: Refusal): Refusal => ({
  path: [key, ...path],
  message: `${key}: ${message}`,
});

/** Refuses a task that says twice what it runs, or never. */
const checkWork = (written: unknown): Refusal[] => {
  if (!isFields(written)) return [];
  const { run, payload } = written;
  if (run === undefined && payload === undefined)
    return [{ path: [], message: 'nothing to run: write "run: |" with a script, or a "payload"' }];
  return run !== undefined && isFields(payload) && 'command' in payload
    ? [{ path: ['run'], message: 'run and payload.command both say what is run; leave one out' }]
    : [];
};

const checkDates = ({ created, deadline, expires }: TaskBody) => {
  if (Date.parse(deadline) < Date.parse(created)) {
    return [{ path: ['deadline'], message: `deadline is in the past: ${deadline}` }];
  }
  return Date.parse(expires) < Date.parse(deadline)
    ? [{ path: ['expires'], message: `expires (${expires}) comes before deadline (${deadline})` }]
    : [];
};

const checkQueue = ({ taskQueueId }: TaskBody) =>
  taskQueueId === undefined
    ? [{ path: [], message: 'taskQueueId is missing: no queue is named here or in the defaults' }]
    : [];

const checkMountable = ({ payload }: TaskBody): Refusal[] =>
  'image' in payload
    ? [
        {
          path: ['payload', 'image'],
          message: 'a task with an image cannot mount the source of the graph; write "source: false" in it',
        },
      ]
    : [];

const checkNeeds = (written: unknown, labels: ReadonlySet<string>) => {
  const needs = isFields(written) && Array.isArray(written.needs) ? written.needs : [];
  return needs.flatMap((need, index) =>
    typeof need !== 'string' || labels.has(need)
      ? []
      : [
          {
            path: ['needs', index],
            message: `needs "${need}", which is not a task${suggestion(need, labels)}`,
          },
        ],
  );
};

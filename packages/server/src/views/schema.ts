import { type Static, Type } from 'typebox';
import { ContinuationToken, DateTime, exactly, oneOf, publish, Slugid, TaskQueueId } from '../http/index.ts';
import { priorities, reasonsResolved, taskStates } from '../queue/index.ts';

const { Optional, String: Text } = Type;
const Count = Type.Integer({ minimum: 0 });

export const GroupLine = exactly(
  {
    taskId: Slugid,
    name: Text(),
    state: oneOf(taskStates),
    reasonResolved: Optional(oneOf(reasonsResolved)),
    taskQueueId: TaskQueueId,
    priority: oneOf(priorities),
    dependencies: Type.Array(Slugid),
    requires: oneOf(['all-completed', 'all-resolved']),
    runs: Type.Integer({ minimum: 0, description: 'How many; the times are those of the last one.' }),
    scheduled: Optional(DateTime),
    started: Optional(DateTime),
    resolved: Optional(DateTime),
  },
  { title: 'Task of a group, in short' },
);
export type GroupLine = Static<typeof GroupLine>;

export const listGroupLinesResponse = publish(
  'views',
  'list-group-lines-response',
  exactly(
    { taskGroupId: Slugid, tasks: Type.Array(GroupLine), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of the tasks of a group, in short' },
  ),
);

export const selectGroupLinesResponse = publish(
  'views',
  'select-group-lines-response',
  exactly(
    { taskGroupId: Slugid, tasks: Type.Array(GroupLine), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of those tasks of a group that fit' },
  ),
);

const Counts = (description: string) =>
  Type.Unsafe<Readonly<Record<string, number>>>({
    type: 'object',
    additionalProperties: { type: 'integer' },
    description,
  });

export const CountGroupLinesResponse = exactly(
  {
    taskGroupId: Slugid,
    total: Type.Integer({ minimum: 0, description: 'All tasks of the group.' }),
    counts: Counts('How many tasks of the group are in each state.'),
    fitting: Type.Integer({ minimum: 0, description: 'Those in one of the states whose words fit.' }),
    fittingCounts: Counts('How many tasks in each state have words that fit.'),
  },
  { title: 'Numbers of the tasks of a group' },
);
export type CountGroupLinesResponse = Static<typeof CountGroupLinesResponse>;
export const countGroupLinesResponse = publish(
  'views',
  'count-group-lines-response',
  CountGroupLinesResponse,
);

export const FirstCausesResponse = exactly(
  {
    taskGroupId: Slugid,
    found: Type.Integer({ minimum: 0, description: 'How many first causes there are.' }),
    isExact: Type.Boolean({
      description:
        'False where more than 20000 tasks went wrong: the causes are then those among 20000 of them.',
    }),
    causes: Type.Array(
      exactly({
        task: GroupLine,
        waiting: Type.Integer({
          minimum: 0,
          description: 'Tasks that did not start because of it, directly or not; counted up to 10000.',
        }),
      }),
      { description: 'Those that keep most others waiting first.' },
    ),
  },
  { title: 'What a group failed by' },
);
export type FirstCausesResponse = Static<typeof FirstCausesResponse>;
export const firstCausesResponse = publish('views', 'first-causes-response', FirstCausesResponse);

export const GroupPartResponse = exactly(
  {
    taskGroupId: Slugid,
    chosen: Type.Integer({
      minimum: 0,
      description: 'How many of the tasks are those that fit: they come first, 500 at most.',
    }),
    tasks: Type.Array(GroupLine, {
      description:
        'Those that fit, in order, then those of the group that they depend on or that depend on them: 2000 at most.',
    }),
  },
  { title: 'Part of a group' },
);
export type GroupPartResponse = Static<typeof GroupPartResponse>;
export const groupPartResponse = publish('views', 'group-part-response', GroupPartResponse);

const NamedTask = exactly({ taskId: Slugid, name: Text(), state: oneOf(taskStates) });

export const TaskExplanation = exactly(
  {
    taskId: Slugid,
    state: oneOf(taskStates),
    because: Text({ description: 'One sentence for people.' }),
    unmet: Type.Array(NamedTask, {
      description: 'Dependencies that keep it waiting: those that cannot be met any more first, 100 at most.',
    }),
    unmetCount: Count,
    line: Optional(
      exactly(
        {
          taskQueueId: TaskQueueId,
          before: Type.Integer({ minimum: 0, description: 'Runs that go before it; counted up to 10000.' }),
          since: DateTime,
          running: Type.Integer({
            minimum: 0,
            description: 'Runs that workers of the queue hold; up to 10000.',
          }),
          workersSeen: Type.Integer({
            minimum: 0,
            description: 'Workers of the queue that were there within the last day; up to 1000.',
          }),
          workersQuarantined: Count,
          lastSeen: Optional(DateTime),
          expected: exactly(
            {
              seconds: Optional(Type.Integer({ minimum: 0, description: 'Absent where it cannot be said.' })),
              says: Text({ description: 'The same for people, with what it follows from.' }),
            },
            {
              description:
                'When it starts, if the workers go on as they did lately and nothing more urgent comes.',
            },
          ),
          paused: Optional(
            exactly(
              { since: DateTime, reason: Text() },
              { description: 'Where the worker pool of the task queue is paused: it starts no workers.' },
            ),
          ),
          decision: Optional(
            exactly({ decided: DateTime, action: Text(), reason: Text(), trouble: Optional(Text()) }),
          ),
        },
        { description: 'Of a pending task: its place in the line, and who could take it.' },
      ),
    ),
  },
  { title: 'Why a task is in its state' },
);
export type TaskExplanation = Static<typeof TaskExplanation>;
export const taskExplanation = publish('views', 'task-explanation', TaskExplanation);

const shownTask = {
  taskId: Slugid,
  taskGroupId: Slugid,
  name: Text(),
  taskQueueId: TaskQueueId,
  runId: Count,
  at: DateTime,
  state: oneOf(taskStates),
  reasonResolved: Optional(oneOf(reasonsResolved)),
};
const ShownTask = exactly(shownTask);

export const Overview = exactly(
  {
    queues: Type.Array(
      exactly({
        taskQueueId: TaskQueueId,
        pending: Count,
        claimed: Count,
        workers: Type.Integer({ minimum: 0, description: 'Seen within the last day; up to 1000.' }),
        oldest: Optional(
          Type.String({ format: 'date-time', description: 'Since when the oldest run waits.' }),
        ),
      }),
      { description: 'Those with most to do first. Each is counted up to 10000.' },
    ),
    groups: Type.Array(
      exactly({
        taskGroupId: Slugid,
        name: Text({ description: 'That of its first task.' }),
        changed: DateTime,
        counts: Counts('How many tasks are in each state.'),
      }),
      { description: 'Those in which something happened last.' },
    ),
    running: Type.Array(ShownTask, { description: 'Some of what runs now, the newest claims first.' }),
    failed: Type.Array(ShownTask, { description: 'What failed last.' }),
  },
  { title: 'What goes on' },
);
export type Overview = Static<typeof Overview>;
export const overview = publish('views', 'overview', Overview);

export const FoundGroup = exactly(
  {
    taskGroupId: Slugid,
    name: Text({ description: 'That of its graph file, else of its first task.' }),
    owner: Text({ description: 'That of its first task.' }),
    created: DateTime,
    sealed: Optional(DateTime),
    counts: Counts('How many tasks are in each state.'),
  },
  { title: 'Task group' },
);
export type FoundGroup = Static<typeof FoundGroup>;
export const foundGroup = publish('views', 'found-group', FoundGroup);

export const listGroupsResponse = publish(
  'views',
  'list-groups-response',
  exactly(
    { groups: Type.Array(FoundGroup), continuationToken: Optional(ContinuationToken) },
    {
      title: 'Page of task groups',
      description:
        'A page may hold fewer groups than were asked for, or none, while there are more: the token decides.',
    },
  ),
);

export const FoundTask = exactly(shownTask);
export type FoundTask = Static<typeof FoundTask>;

export const listTasksResponse = publish(
  'views',
  'list-tasks-response',
  exactly(
    { tasks: Type.Array(FoundTask), continuationToken: Optional(ContinuationToken) },
    {
      title: 'Page of tasks',
      description:
        'A page may hold fewer tasks than were asked for, or none, while there are more: the token decides.',
    },
  ),
);

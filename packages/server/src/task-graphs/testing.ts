import type { FastifyInstance } from 'fastify';
import { connect, type Database, type ManualClock, manualClock, silentLog, slugid } from '../base/index.ts';
import type { Authorize, Caller } from '../http/index.ts';
import { createQueue, type FilledTaskRequest, type Queue, type QueueContext } from '../queue/index.ts';
import {
  callerWith,
  messagesIn,
  type Opened,
  opened,
  plainTask,
  queueAlone,
  type SentMessage,
  served,
  testDatabase,
} from '../testing/index.ts';
import { createTaskGraphs, type TaskGraphs, taskGraphsDeclaration } from './index.ts';
import type { FilledTaskGraph, NodeToCreate } from './schema.ts';

/** For tests: a check that every caller passes. */
export const anybody: Authorize = () => {};

/** For tests: a queue and the graphs above it, as in one process. */
export interface Platform {
  readonly queue: Opened<Queue>;
  readonly taskGraphs: Opened<TaskGraphs>;
}

export interface TestTaskGraphs extends Platform {
  readonly db: Database;
  readonly clock: ManualClock;
  /** The same once more on a pool of its own, as in another process; closed with the rest. */
  another(): Platform;
  /** The messages about a graph itself, in order. */
  messages(taskGraphId: string): Promise<SentMessage[]>;
  /** The methods over HTTP; the header `scopes` says what a caller has, separated by spaces. */
  serve(): FastifyInstance;
  close(): Promise<void>;
}

/** The roles of these tests. */
const roles = new Map([['assume:builder', ['queue:*']]]);

const callerFor = (scopes: readonly string[]): Caller => callerWith(scopes, roles);

const open = (db: Database, clock: ManualClock): Platform => {
  const context = { db, clock, log: silentLog };
  const deps: QueueContext = {
    ...context,
    ...queueAlone(),
    onResolved: (tx, changes, now) => taskGraphs.onResolved(tx, changes, now),
  };
  const queue = opened(createQueue(deps));
  const taskGraphs = opened(
    createTaskGraphs({
      ...context,
      queue: deps,
      callerFor: async (scopes) => callerFor(scopes),
    }),
  );
  return { queue, taskGraphs };
};

/** Reads messages about graphs; messages that were read are cached. */
const messageReader = (db: Database) => {
  const known: SentMessage[] = [];
  return async (taskGraphId: string): Promise<SentMessage[]> => {
    known.push(...(await messagesIn(db, known.at(-1)?.id)));
    const key = `primary._._._._._._.task-graph-scheduler.${taskGraphId}._`;
    return known.filter(({ routingKey }) => routingKey === key);
  };
};

/** For tests: task graphs on a database of their own with a manual clock. */
export const testTaskGraphs = async (): Promise<TestTaskGraphs> => {
  const { db, url, drop } = await testDatabase();
  const clock = manualClock();
  const pools: Database[] = [];
  const platforms: Platform[] = [];
  const openOn = (database: Database): Platform => {
    const platform = open(database, clock);
    platforms.push(platform);
    return platform;
  };
  const first = openOn(db);
  return {
    ...first,
    db,
    clock,
    another: () => {
      const pool = connect({ url });
      pools.push(pool);
      return openOn(pool);
    },
    messages: messageReader(db),
    serve: () =>
      served(
        { declarations: [taskGraphsDeclaration], services: first },
        { clock, callerOf: ({ scopes }) => callerFor(String(scopes ?? '').split(' ')) },
      ),
    close: async () => {
      await Promise.all(platforms.map(({ queue }) => queue.drain()));
      await Promise.all(pools.map((pool) => pool.close()));
      await drop();
    },
  };
};

/** For tests: a task as validation leaves it. */
export const aTask = (now: Date, fields: Partial<FilledTaskRequest> = {}): FilledTaskRequest => ({
  ...plainTask(now),
  taskQueueId: 'prov/type',
  schedulerId: 'task-graph-scheduler',
  ...fields,
});

type NodeFields = Partial<Omit<NodeToCreate, 'task'>> & { task?: Partial<FilledTaskRequest> };

/** For tests: a node that requires others. */
export const aNode = (now: Date, { task, ...fields }: NodeFields = {}): NodeToCreate => ({
  taskId: slugid(),
  requires: [],
  reruns: 0,
  ...fields,
  task: aTask(now, task),
});

/** For tests: a graph of these nodes with the scopes that they need. */
export const aGraph = (
  tasks: readonly NodeToCreate[],
  fields: Partial<FilledTaskGraph> = {},
): FilledTaskGraph => ({
  scopes: ['queue:*'],
  routes: ['a.route'],
  tasks,
  metadata: {
    name: 'A graph',
    description: 'Made by a test.',
    owner: 'somebody@example.com',
    source: 'https://example.com/source',
  },
  tags: { made: 'by a test' },
  ...fields,
});

import type { FastifyInstance } from 'fastify';
import { connect, type Database, type ManualClock, manualClock, silentLog } from '../base/index.ts';
import { createQueue, type Queue, routes } from '../queue/index.ts';
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

/** For tests: the queue as several processes have it. */
export interface TestQueues {
  readonly queue: Opened<Queue>;
  readonly clock: ManualClock;
  /** The same once more on a pool of its own; closed with the rest. */
  another(): Opened<Queue>;
  messages(): Promise<SentMessage[]>;
  /** The methods of the queue over HTTP, for callers who may do everything. */
  serve(): FastifyInstance;
  close(): Promise<void>;
}

const open = (db: Database, clock: ManualClock): Opened<Queue> =>
  opened(createQueue({ db, clock, log: silentLog, ...queueAlone() }));

const serveQueue = (queue: Opened<Queue>, clock: ManualClock): FastifyInstance => {
  const service = { serviceName: 'queue', title: 'Queue', description: 'Tasks and their runs.' };
  const api = { declarations: [{ service, routes }], services: { queue } };
  return served(api, { clock, callerOf: () => callerWith(['*']) });
};

/** For tests: a queue on a database of its own and a clock that the test moves. */
export const testQueues = async (): Promise<TestQueues> => {
  const { db, url, drop } = await testDatabase();
  const clock = manualClock();
  const queue = open(db, clock);
  const others: { queue: Opened<Queue>; pool: Database }[] = [];
  return {
    queue,
    clock,
    another: () => {
      const pool = connect({ url });
      const other = { queue: open(pool, clock), pool };
      others.push(other);
      return other.queue;
    },
    messages: () => messagesIn(db),
    serve: () => serveQueue(queue, clock),
    close: async () => {
      await Promise.all([queue, ...others.map((other) => other.queue)].map((each) => each.drain()));
      await Promise.all(others.map(({ pool }) => pool.close()));
      await drop();
    },
  };
};

/** For tests: a task that asks for nothing, as validation leaves it. */
export const aTask = (now: Date, taskQueueId: string) => ({ ...plainTask(now), taskQueueId });

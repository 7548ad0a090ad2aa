import { Type } from 'typebox';
import {
  type Database,
  type ManualClock,
  manualClock,
  type Sql,
  silentLog,
  type Transaction,
} from '../../base/index.ts';
import { exactly, publish } from '../../http/index.ts';
import type { Email } from '../../notify/index.ts';
import { type Opened, opened, type TestDatabase, testDatabase } from '../../testing/index.ts';
import { createWorkers } from '../../workers/index.ts';
import type { Context } from '../context.ts';
import { contextOf, type GivenContext, openOn, type WorkerManager } from '../open.ts';
import type {
  LaunchOrder,
  LaunchOutcome,
  Provider,
  ProviderError,
  StartedWorker,
  SweptWorker,
  WorkerToEnd,
} from '../providers/provider.ts';
import { ownScaling, ownWorkerManagerBlock, WorkerConfig } from '../schema/index.ts';
import type { WorkerRef } from '../store/index.ts';

const machinesConfig = publish(
  'worker-manager',
  'config-machines',
  exactly({
    ...ownScaling,
    launchConfigs: Type.Array(
      exactly({ workerManager: ownWorkerManagerBlock, workerConfig: Type.Optional(WorkerConfig) }),
    ),
  }),
);

export interface Machine extends WorkerRef {
  readonly token: string;
}

const noAnswer: ProviderError = {
  kind: 'creation-error',
  title: 'No answer',
  description: 'The region is away.',
  code: 'TimeoutError',
  isPassing: true,
};

/** Machines that exist in memory, and whatever goes wrong with them. */
export const fakeMachines = () => {
  const machines = new Map<string, Machine>();
  const ended: string[] = [];
  const orders: LaunchOrder[] = [];
  const trouble: {
    answerIsLost?: boolean;
    error?: ProviderError;
    startsAtMost?: number;
    /** The launch config about whose orders nothing is to be found out. */
    unanswered?: string;
    /** The pool whose workers get names that cannot be stored. */
    brokenPool?: string;
  } = {};
  const launchOne = (order: LaunchOrder): LaunchOutcome => {
    const { error, startsAtMost = order.count } = trouble;
    if (order.launchConfigId === trouble.unanswered)
      return { token: order.token, outcome: 'unknown', error: noAnswer };
    const workers: StartedWorker[] = [];
    for (let i = 0; i < Math.min(order.count, startsAtMost); i++) {
      const workerId = `${order.token}-${i}${order.workerPoolId === trouble.brokenPool ? '\0' : ''}`;
      const { workerPoolId, token } = order;
      machines.set(workerId, { workerPoolId, workerGroup: 'zone', workerId, token });
      workers.push({ workerGroup: 'zone', workerId, facts: { i } });
    }
    return { token: order.token, workers, errors: error ? [error] : [] };
  };
  const provider: Provider = {
    providerId: 'fake',
    providerType: 'fake',
    configSchema: machinesConfig,
    identify: async ({ state, facts }, { token }) =>
      state === 'requested' && token === 'me' ? facts : 'refused',
    machines: {
      sweepEveryMs: 1000,
      launch: async (given) => {
        orders.push(...given);
        const outcomes = given.map(launchOne);
        if (trouble.answerIsLost) throw new Error('The connection broke.');
        return outcomes;
      },
      sweep: async (known) => ({
        workers: known.map(({ workerPoolId, workerGroup, workerId }): SweptWorker => {
          const state = machines.has(workerId) ? 'running' : 'gone';
          return { workerPoolId, workerGroup, workerId, state };
        }),
        strays: [...machines.values()]
          .filter((machine) => !known.some(({ workerId }) => workerId === machine.workerId))
          .map((machine) => ({ ...machine, facts: {} })),
      }),
      terminate: async (workers: readonly WorkerToEnd[]) => {
        for (const { workerId } of workers) {
          ended.push(workerId);
          machines.delete(workerId);
        }
      },
    },
  };
  return { provider, machines, ended, orders, trouble };
};

export type FakeMachines = ReturnType<typeof fakeMachines>;

/** Worker pools as tests call them: the verbs, what these work with, and all else that the domain gives. */
export type OpenedPools = Context & Opened<WorkerManager>;

/** For tests: opens worker pools. */
export const openedPools = (given: GivenContext): OpenedPools => {
  const opening = contextOf(given);
  return { ...opening.context, ...opened(openOn(opening)) };
};

/** Worker pools on a database of their own, with machines that are none. */
export interface Ground {
  readonly test: TestDatabase;
  readonly clock: ManualClock;
  readonly context: OpenedPools;
  readonly fake: FakeMachines;
  /** Workers whose claims were given to others. */
  readonly lost: string[];
  readonly mails: Email[];
}

/** Opens worker pools once more, as another process would. */
export const openRoom = (
  { clock, fake, lost, mails }: Omit<Ground, 'context' | 'test'>,
  db: Database,
): OpenedPools => {
  const floor = { db, clock, log: silentLog };
  return openedPools({
    ...floor,
    workers: createWorkers(floor).verbs,
    queue: losing(({ workerId }) => lost.push(workerId)),
    rootUrl: () => 'http://localhost',
    issueCredentials: ({ clientId }) => ({ clientId, accessToken: 'secret', certificate: '{}' }),
    recordAudit: async () => {},
    email: async (_tx, emails) => {
      mails.push(...emails);
    },
    providers: new Map([['fake', fake.provider]]),
  });
};

/** A queue that tells of the workers that it is to take the claims of. */
export const losing = (
  tell: (worker: {
    readonly taskQueueId: string;
    readonly workerGroup: string;
    readonly workerId: string;
  }) => void,
): Context['queue'] => ({
  loseWorkers: {
    one: async (worker) => {
      tell(worker);
      return 0;
    },
    all: async (workers) => {
      for (const worker of workers) tell(worker);
      return workers.map(() => 0);
    },
  },
});

export const aGround = async (): Promise<Ground> => {
  const test = await testDatabase();
  const things = { clock: manualClock(), fake: fakeMachines(), lost: [], mails: [] };
  return { ...things, test, context: openRoom(things, test.db) };
};

/** The database of a process that ends at its call of this number, before or after what that does. */
export const endingDatabase = (db: Database, { at, isAfter }: { at: number; isAfter: boolean }) => {
  let calls = 0;
  const end = async <T>(call: () => Promise<T>): Promise<T> => {
    calls++;
    if (calls > at || (calls === at && !isAfter)) throw new Error('The process has ended.');
    const value = await call();
    if (calls >= at) throw new Error('The process has ended.');
    return value;
  };
  const sql: Sql = (strings, ...values) => end(() => db(strings, ...values));
  const ending: Database = Object.assign(sql, {
    transaction: <T>(run: (tx: Transaction) => Promise<T>) => end(() => db.transaction(run)),
    listen: db.listen,
    poolUse: db.poolUse,
    ownHost: db.ownHost,
    close: db.close,
  });
  return { db: ending, hasEnded: () => calls >= at };
};

/** A database on which something happens right after the first statement that holds a text. */
export const afterRead = (db: Database, text: string, happen: () => Promise<unknown>): Database => {
  let hasHappened = false;
  const sql: Sql = async <Row>(strings: TemplateStringsArray, ...values: unknown[]): Promise<Row[]> => {
    const rows = await db<Row>(strings, ...values);
    if (!hasHappened && strings.join('').includes(text)) {
      hasHappened = true;
      await happen();
    }
    return rows;
  };
  return Object.assign(sql, {
    transaction: db.transaction,
    listen: db.listen,
    poolUse: db.poolUse,
    ownHost: db.ownHost,
    close: db.close,
  });
};

let pools = 0;

/** A pool of the machines. */
export const aMachinePool = async (
  { context }: Ground,
  { emailOnError = false, ...config }: Record<string, unknown> & { emailOnError?: boolean } = {},
): Promise<string> => {
  const workerPoolId = `prov/machines-${++pools}`;
  const definition = {
    providerId: 'fake',
    description: '',
    owner: 'o@example.com',
    emailOnError,
    config: {
      minCapacity: 0,
      maxCapacity: 10,
      launchConfigs: [{ workerManager: { launchConfigId: 'lc' } }],
      ...config,
    },
  };
  await context.createPool({ workerPoolId, definition, authorize: () => {} });
  return workerPoolId;
};

export { stepsOn } from './steps.ts';
export { claimedTasks, pendingTasks, resolvedTasks } from './store.ts';
export { afterReadInside, watchedDatabase } from './watched-database.ts';

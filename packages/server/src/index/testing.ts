import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Auth, createAuth, signedUrl } from '../auth/index.ts';
import {
  type Database,
  encryption,
  localSignal,
  type ManualClock,
  manualClock,
  silentLog,
  slugid,
} from '../base/index.ts';
import { createEvents, outbox } from '../events/index.ts';
import {
  createQueue,
  type FilledTaskRequest,
  type Queue,
  readDefinitions,
  readStatuses,
} from '../queue/index.ts';
import {
  callerWith,
  type Opened,
  opened,
  plainTask,
  queueAlone,
  served,
  stepOf,
  testDatabase,
} from '../testing/index.ts';
import { createIndex, type Index, indexDeclaration } from './index.ts';

export interface Asked {
  /** The scopes of the caller: all by default. */
  readonly scopes?: readonly string[];
  readonly body?: object;
}

export interface Answered {
  readonly status: number;
  readonly code: unknown;
  readonly location: string;
  readonly isJson: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TestIndex {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly index: Opened<Index>;
  readonly queue: Opened<Queue>;
  readonly auth: Opened<Auth>;
  /** A call over HTTP. */
  ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, asked?: Asked): Promise<Answered>;
  /** One step of a loop. */
  step(name: string): Promise<number>;
  /** Gives all messages that were not given before to the subscription. */
  listen(): Promise<void>;
  /** Creates a task and lets it end so. */
  finishedTask(fields?: Partial<FilledTaskRequest>, end?: 'completed' | 'failed'): Promise<string>;
  close(): Promise<void>;
}

export const rootUrl = 'https://tasks.example.com';

/** For tests: what somebody without credentials may do. */
export const anonymousScopes = ['queue:get-artifact:public/*'];

const openAuth = (db: Database, clock: ManualClock): Opened<Auth> =>
  opened(
    createAuth({
      db,
      clock,
      log: silentLog,
      encryption: encryption({ keys: { k: randomBytes(32).toString('base64') }, current: 'k' }),
      outbox,
      origins: [{ host: 'tasks.example.com', port: 443 }],
      staticClients: [
        {
          clientId: 'static/taskcluster/queue',
          accessToken: 'q'.repeat(44),
          description: 'Built in.',
          scopes: ['*'],
        },
      ],
    }),
  );

const openQueue = (db: Database, clock: ManualClock): Opened<Queue> =>
  opened(createQueue({ db, clock, log: silentLog, ...queueAlone() }));

const asker =
  (app: FastifyInstance): TestIndex['ask'] =>
  async (method, path, { scopes = ['*'], body } = {}) => {
    const headers = { scopes: JSON.stringify(scopes) };
    const url = `/api/index/v1/${path}`;
    const reply = await app.inject({ method, url, headers, ...(body ? { payload: body } : {}) });
    const { location = '' } = reply.headers as { location?: string };
    const isJson = String(reply.headers['content-type']).startsWith('application/json');
    const answered = (isJson ? JSON.parse(reply.body) : {}) as Answered['body'];
    return { status: reply.statusCode, code: answered.code, location, isJson, body: answered };
  };

const aTask = (now: Date, fields: Partial<FilledTaskRequest>): FilledTaskRequest => ({
  ...plainTask(now),
  taskQueueId: 'prov/type',
  schedulerId: 'tests',
  ...fields,
});

const worker = { workerGroup: 'group', workerId: 'worker' };
const authorize = () => {};

/** For tests: the index on a database of its own, with a queue below it. */
export const testIndex = async (): Promise<TestIndex> => {
  const { db, drop } = await testDatabase();
  const clock = manualClock();
  const room = { db, clock, log: silentLog };
  const auth = openAuth(db, clock);
  await auth.start();
  const queue = openQueue(db, clock);
  const index = opened(
    createIndex({
      ...room,
      readDefinitions,
      readStatuses,
      rootUrl: () => rootUrl,
      anonymous: async () => callerWith(anonymousScopes),
      signUrl: (url, wanted) => {
        const credentials = auth.issueCredentials({ ...wanted, clientId: 'index/signed-url' });
        return signedUrl(url, { ...credentials, expiry: wanted.expiry });
      },
    }),
  );
  const events = createEvents({
    ...room,
    changed: localSignal(),
    retentionSeconds: 3600,
  });
  const delivery = events.subscribe(index.subscription);
  await events.start();
  const app = served({ declarations: [indexDeclaration], services: { index } }, { clock });
  return {
    db,
    clock,
    index,
    queue,
    auth,
    ask: asker(app),
    step: stepOf(index.loops),
    listen: async () => {
      while ((await delivery.step(delivery.limit)) === delivery.limit);
    },
    finishedTask: async (fields = {}, end = 'completed') => {
      const taskId = slugid();
      await queue.createTasks.one({ taskId, request: aTask(clock.now(), fields), authorize });
      await queue.claimRuns.one({ taskId, runId: 0, worker, authorize });
      await queue.resolveRuns.one({ taskId, runId: 0, end });
      return taskId;
    },
    close: async () => {
      await events.drain();
      await app.close();
      await queue.drain();
      await events.close();
      await auth.close();
      await drop();
    },
  };
};

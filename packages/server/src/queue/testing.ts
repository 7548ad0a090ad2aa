import { randomBytes } from 'node:crypto';
import { type FastifyInstance, fastify } from 'fastify';
import hawk from 'hawk';
import { createAuth, fillTemplate } from '../auth/index.ts';
import {
  type Clock,
  connect,
  type Database,
  encryption,
  later,
  localSignal,
  type ManualClock,
  manualClock,
  silentLog,
  slugid,
} from '../base/index.ts';
import { createEvents, outbox } from '../events/index.ts';
import { type Authorize, serve } from '../http/index.ts';
import {
  claimLockingOfTests,
  messagesIn,
  type Opened,
  opened,
  plainTask,
  queueAlone,
  type SentMessage,
  servedOn,
  stepOf,
  testDatabase,
} from '../testing/index.ts';
import { createWorkers, workersRoutes } from '../workers/index.ts';
import { createQueue, type FilledTaskRequest, type Queue, type QueueSettings, routes } from './index.ts';

/** For tests: a check that every caller passes. */
export const anybody: Authorize = () => {};

/** For tests: the ways in which processes that claim from one line keep out of each other's way. */
export const claimLockings = ['skip-locked', 'guarded-delete'] as const;

/** What the statements of a process with such settings do, as the server has it. */
const lockingOf = ({ claimLocking = claimLockingOfTests }: Partial<QueueSettings>) =>
  claimLocking === 'guarded-delete' ? 'wait' : 'skip';

/** For tests: a valid task with few fields, and the given ones. */
export const aTask = (now: Date, fields: Partial<FilledTaskRequest> = {}): FilledTaskRequest => ({
  ...plainTask(now),
  provisionerId: 'prov',
  workerType: 'type',
  ...fields,
});

export interface TestQueue {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly queue: Opened<Queue>;
  /** The queue once more on a pool of its own, as in another process; closed with the rest. */
  another(
    change?: (db: Database) => Database,
    more?: Partial<QueueSettings>,
  ): { queue: Opened<Queue>; db: Database };
  /** The queue once more on the same pool, closed with the rest. */
  again(): Opened<Queue>;
  /** The queue with a clock that is this many milliseconds ahead; closed with the rest. */
  ahead(ms: number): Opened<Queue>;
  /** One step of a loop; returns how many things it did. */
  step(name: string): Promise<number>;
  /** Messages of the outbox, after the one with this id. */
  messages(after?: number): Promise<SentMessage[]>;
  close(): Promise<void>;
}

/** For tests: the queue on a database of its own with a manual clock, and stubs for the other floors. */
export const testQueue = async (settings: Partial<QueueSettings> = {}): Promise<TestQueue> => {
  const { db, url, drop } = await testDatabase(lockingOf(settings));
  const clock = manualClock();
  const all: { queue: Opened<Queue>; db: Database }[] = [];
  const open = (database: Database, by: Clock = clock, more: Partial<QueueSettings> = {}): Opened<Queue> => {
    const alone = queueAlone();
    const queue = opened(
      createQueue({
        db: database,
        clock: by,
        log: silentLog,
        ...alone,
        settings: { ...alone.settings, ...settings, ...more },
      }),
    );
    all.push({ queue, db: database });
    return queue;
  };
  const queue = open(db);
  return {
    db,
    clock,
    queue,
    another: (change = (same) => same, more = {}) => {
      const database = change(connect({ url, locking: lockingOf({ ...settings, ...more }) }));
      return { queue: open(database, clock, more), db: database };
    },
    again: () => open(db),
    ahead: (ms) => open(db, { ...clock, now: () => later(clock.now(), ms) }),
    step: stepOf(queue.loops),
    messages: (after) => messagesIn(db, after),
    close: async () => {
      await Promise.all(all.map((each) => each.queue.drain()));
      await Promise.all(all.filter((each) => each.db !== db).map((each) => each.db.close()));
      await drop();
    },
  };
};

export interface Asked {
  /** The scopes that the call is restricted to; unrestricted without them. */
  readonly scopes?: readonly string[];
  readonly body?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly code: unknown;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TestApp {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly server: FastifyInstance;
  /** A call of the queue that its root client signs: `ask('PUT', '/task/…', { body })`. */
  ask(method: 'GET' | 'PUT' | 'POST', route: string, asked?: Asked): Promise<Answered>;
  messages(after?: number): Promise<SentMessage[]>;
  close(): Promise<void>;
}

const root = { clientId: 'static/taskcluster/root', accessToken: 'r'.repeat(44) };
const issuer = { clientId: 'static/taskcluster/queue', accessToken: 'q'.repeat(44) };

/** The floors up to the queue, joined as in the program. */
const openFloors = async (db: Database, clock: ManualClock) => {
  const room = { db, clock, log: silentLog };
  const everything = { description: 'Built in.', scopes: ['*'] };
  const auth = opened(
    createAuth({
      ...room,
      encryption: encryption({ keys: { k: randomBytes(32).toString('base64') }, current: 'k' }),
      outbox,
      staticClients: [root, issuer].map((client) => ({ ...client, ...everything })),
    }),
  );
  const events = createEvents({ ...room, changed: localSignal(), retentionSeconds: 3600 });
  const workers = opened(createWorkers({ ...room, quarantinesChanged: localSignal() }));
  const queue = opened(
    createQueue({
      ...room,
      ...queueAlone(),
      issueCredentials: auth.issueCredentials,
      authenticate: auth.authenticate,
      isQuarantined: (...worker) => workers.quarantinedUntil(...worker) !== undefined,
      quarantinesKnown: workers.quarantinesKnown,
      seeWorkers: workers.seeWorkers,
    }),
  );
  await auth.start();
  return { auth, events, workers, queue };
};

const signatureOf = (request: { method: string; url: string }, time: Date, { scopes }: Asked): string =>
  hawk.client.header(`http://localhost:80${request.url}`, request.method, {
    credentials: { id: root.clientId, key: root.accessToken, algorithm: 'sha256' },
    timestamp: Math.floor(time.getTime() / 1000),
    nonce: slugid(),
    ...(scopes ? { ext: Buffer.from(JSON.stringify({ authorizedScopes: scopes })).toString('base64') } : {}),
  }).header;

const bodyOf = (body: unknown) =>
  body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) };

/** For tests: the queue over HTTP with the floors below it, on a database of its own. */
export const testApp = async (): Promise<TestApp> => {
  const { db, drop } = await testDatabase();
  const clock = manualClock();
  const services = await openFloors(db, clock);
  const server = fastify({ routerOptions: { maxParamLength: 8192 } });
  const service = { serviceName: 'queue', title: 'Queue', description: 'Tasks and workers.' };
  const deps = {
    ...servedOn(clock),
    authenticate: services.auth.authenticate,
    requirePayload: services.auth.requirePayload,
    fillScopes: fillTemplate,
  };
  const declarations = [{ service, routes: [...routes, ...workersRoutes] }];
  serve(server, deps, { declarations, services });
  return {
    db,
    clock,
    server,
    ask: async (method, route, asked = {}) => {
      const url = `/api/queue/v1${route}`;
      const authorization = signatureOf({ method, url }, clock.now(), asked);
      const headers = { host: 'localhost', 'content-type': 'application/json', authorization };
      const reply = await server.inject({ method, url, headers, ...bodyOf(asked.body) });
      const body = reply.body === '' ? {} : (JSON.parse(reply.body) as Record<string, unknown>);
      return { status: reply.statusCode, code: body.code, message: String(body.message), body };
    },
    messages: (after) => messagesIn(db, after),
    close: async () => {
      await services.events.drain();
      await services.queue.drain();
      await server.close();
      await services.workers.close();
      await services.auth.close();
      await drop();
    },
  };
};

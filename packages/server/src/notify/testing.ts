import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import {
  connect,
  type Database,
  localSignal,
  type ManualClock,
  manualClock,
  silentLog,
} from '../base/index.ts';
import { createEvents } from '../events/index.ts';
import { createQueue, type FilledTaskRequest, type Queue, readDefinitions } from '../queue/index.ts';
import {
  messagesIn,
  type Opened,
  opened,
  plainTask,
  queueAlone,
  type SentMessage,
  served,
  stepOf,
  testDatabase,
} from '../testing/index.ts';
import { createNotify, type Notify, notifyDeclaration, type SenderSettings } from './index.ts';

export interface TestNotify {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly notify: Opened<Notify>;
  readonly queue: Opened<Queue>;
  /** A second notify on a pool of its own, as in another process. */
  another(): Opened<Notify>;
  /** One step of the loop that sends; returns how many messages it tried. */
  send(): Promise<number>;
  /** One step of any loop. */
  step(name: string): Promise<number>;
  /** Lets the subscription handle all messages that are there. */
  listen(): Promise<void>;
  /** The notifications that were published, in order. */
  published(): Promise<SentMessage[]>;
  /** How many notifications had this fate. */
  count(type: string, fate: string): number;
  /** A call over HTTP; `scopes` are what the caller has, everything by default. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, asked?: Asked): Promise<Answered>;
  close(): Promise<void>;
}

export interface Asked {
  readonly scopes?: readonly string[];
  readonly body?: object;
}

export interface Answered {
  readonly status: number;
  readonly code: unknown;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const openQueue = (db: Database, clock: ManualClock): Opened<Queue> =>
  opened(createQueue({ db, clock, log: silentLog, ...queueAlone() }));

const asker =
  (app: FastifyInstance): TestNotify['ask'] =>
  async (method, path, { scopes = ['*'], body } = {}) => {
    const headers = { scopes: JSON.stringify(scopes) };
    const url = `/api/notify/v1/${path}`;
    const reply = await app.inject({ method, url, headers, ...(body ? { payload: body } : {}) });
    const answered = reply.body === '' ? {} : (JSON.parse(reply.body) as Answered['body']);
    const { code, message } = answered;
    return { status: reply.statusCode, code, message: String(message), body: answered };
  };

/** For tests: notifications on a database of their own, with a queue below them. */
export const testNotify = async (settings: SenderSettings = {}): Promise<TestNotify> => {
  const { db, url, drop } = await testDatabase();
  const clock = manualClock();
  const deps = {
    clock,
    log: silentLog,
    readDefinitions,
    settings,
    rootUrl: () => 'https://tasks.example.com',
  };
  const notify = opened(createNotify({ ...deps, db }));
  const queue = openQueue(db, clock);
  const app = served({ declarations: [notifyDeclaration], services: { notify } }, { clock });
  const pools: Database[] = [];
  const events = createEvents({
    ...deps,
    db,
    changed: localSignal(),
    retentionSeconds: 3600,
  });
  const delivery = events.subscribe(notify.subscription);
  await events.start();
  const step = stepOf(notify.loops);
  return {
    db,
    clock,
    notify,
    queue,
    another: () => {
      const pool = connect({ url });
      pools.push(pool);
      return opened(createNotify({ ...deps, db: pool }));
    },
    step,
    send: () => step('send-notifications'),
    listen: async () => {
      while ((await delivery.step(delivery.limit)) === delivery.limit);
    },
    published: async () =>
      (await messagesIn(db)).filter(({ exchange }) => exchange.endsWith('-notify/v1/notification')),
    count: (type, fate) =>
      notify.readings().find(({ labels }) => labels[0] === type && labels[1] === fate)?.value ?? 0,
    ask: asker(app),
    close: async () => {
      await events.drain();
      await app.close();
      await queue.drain();
      await events.close();
      await Promise.all(pools.map((pool) => pool.close()));
      await drop();
    },
  };
};

/** For tests: a task as validation leaves it, with routes. */
export const aTask = (now: Date, fields: Partial<FilledTaskRequest>): FilledTaskRequest => ({
  ...plainTask(now),
  taskQueueId: 'prov/type',
  schedulerId: 'tests',
  ...fields,
});

export interface HttpCall {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TestApi {
  readonly url: string;
  readonly calls: HttpCall[];
  close(): Promise<void>;
}

/** For tests: a server on this machine that speaks JSON and remembers its requests. */
export const testApi = async (
  answer: (call: HttpCall) => [status: number, body: object, headers?: Readonly<Record<string, string>>],
): Promise<TestApi> => {
  const calls: HttpCall[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const token = String(headers.authorization).replace('Bearer ', '');
    const call = { method, path, token, body: (await json(request)) as HttpCall['body'] };
    calls.push(call);
    const [status, body, more] = answer(call);
    response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
};

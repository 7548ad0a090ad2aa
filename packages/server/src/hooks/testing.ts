import type { FastifyInstance } from 'fastify';
import {
  connect,
  type Database,
  type Encryption,
  encryption,
  localSignal,
  type ManualClock,
  manualClock,
  silentLog,
} from '../base/index.ts';
import { createEvents } from '../events/index.ts';
import type { Caller } from '../http/index.ts';
import type { Email } from '../notify/index.ts';
import { createQueue, type Queue, type QueueContext } from '../queue/index.ts';
import {
  callerWith,
  messagesIn,
  type Opened,
  opened,
  queueAlone,
  type SentMessage,
  served,
  stepOf,
  testDatabase,
} from '../testing/index.ts';
import { createHooks, type Hooks, hooksDeclaration } from './index.ts';
import type { CreateHookRequest } from './schema.ts';

/** For tests: a queue and the hooks above it, as in one process. */
export interface Platform {
  readonly queue: Opened<Queue>;
  readonly hooks: Opened<Hooks>;
  /** One step of a loop; returns how many things it did. */
  step(name: string): Promise<number>;
  /** Learns the bindings of hooks, and from where on messages are read. */
  start(): Promise<void>;
  end(): Promise<void>;
}

export interface TestHooks extends Platform {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly mails: Email[];
  /** Scopes of roles, by `assume:…`; to be filled by tests. */
  readonly roles: Map<string, readonly string[]>;
  /** The same once more on a pool of its own, as in another process, with other keys if need be; closed with the rest. */
  another(encryption?: Encryption): Platform;
  messages(): Promise<SentMessage[]>;
  /** The methods over HTTP; the header `scopes` says what a caller has, separated by spaces. */
  serve(): FastifyInstance;
  close(): Promise<void>;
}

interface Around {
  readonly clock: ManualClock;
  readonly mails: Email[];
  callerFor(scopes: readonly string[]): Caller;
}

const keys = { keys: { test: Buffer.alloc(32, 7).toString('base64') }, current: 'test' };

const open = (
  db: Database,
  { clock, mails, callerFor }: Around,
  encryptionWith = encryption(keys),
): Platform => {
  const context = { db, clock, log: silentLog };
  const queueDeps: QueueContext = { ...context, ...queueAlone() };
  const hooks = opened(
    createHooks({
      ...context,
      queue: queueDeps,
      encryption: encryptionWith,
      exchangePrefix: 'exchange/taskcluster-',
      changed: localSignal(),
      callerFor: async (scopes) => callerFor(scopes),
      recordAudit: async () => {},
      email: async (_tx, emails) => {
        mails.push(...emails);
      },
    }),
  );
  const events = createEvents({
    ...context,
    changed: localSignal(),
    retentionSeconds: 3600,
  });
  const loops = [...hooks.loops, events.subscribe(hooks.subscription)];
  const start = async () => {
    await hooks.start();
    await events.start();
  };
  return { queue: opened(createQueue(queueDeps)), hooks, step: stepOf(loops), start, end: events.close };
};

/** For tests: hooks on a database of their own and a clock that the test moves. */
export const testHooks = async (start = new Date('2026-03-01T12:00:00Z')): Promise<TestHooks> => {
  const { db, url, drop } = await testDatabase();
  const clock = manualClock(start);
  const roles = new Map<string, readonly string[]>();
  const callerFor = (scopes: readonly string[]) => callerWith(scopes, roles);
  const around = { clock, callerFor, mails: [] as Email[] };
  const pools: Database[] = [];
  const platforms = [open(db, around)];
  const first = platforms[0] as Platform;
  return {
    ...first,
    db,
    clock,
    roles,
    mails: around.mails,
    another: (encryptionWith) => {
      const pool = connect({ url });
      pools.push(pool);
      const platform = open(pool, around, encryptionWith);
      platforms.push(platform);
      return platform;
    },
    messages: () => messagesIn(db),
    serve: () =>
      served(
        { declarations: [hooksDeclaration], services: first },
        { clock, callerOf: ({ scopes }) => callerFor(String(scopes ?? '').split(' ')) },
      ),
    close: async () => {
      await Promise.all(platforms.flatMap(({ queue, end }) => [queue.drain(), end()]));
      await Promise.all(pools.map((pool) => pool.close()));
      await drop();
    },
  };
};

/** For tests: a template for a task that needs no more than it says. */
export const aTemplate = (fields: object = {}) => ({
  taskQueueId: 'prov/type',
  payload: {},
  metadata: {
    name: 'A task',
    description: 'Made by a hook.',
    owner: 'somebody@example.com',
    source: 'https://example.com/source',
  },
  ...fields,
});

/** For tests: a hook as validation leaves it. */
export const aHook = (fields: Partial<CreateHookRequest> = {}): CreateHookRequest => ({
  metadata: {
    name: 'A hook',
    description: 'Made by a test.',
    owner: 'owner@example.com',
    emailOnError: true,
  },
  task: aTemplate(),
  schedule: [],
  triggerSchema: { type: 'object' },
  ...fields,
});

import type { FastifyInstance } from 'fastify';
import type { ArtifactVerbs } from '../../artifacts/index.ts';
import {
  connect,
  type Database,
  localSignal,
  type ManualClock,
  manualClock,
  RequestError,
  silentLog,
} from '../../base/index.ts';
import { createEvents } from '../../events/index.ts';
import type { HookVerbs } from '../../hooks/index.ts';
import { Reply } from '../../http/index.ts';
import { createQueue, type Queue, type QueueContext } from '../../queue/index.ts';
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
} from '../../testing/index.ts';
import { createViews } from '../../views/index.ts';
import { createGithub, type Github, githubDeclaration } from '../index.ts';
import { type FakeGithub, fakeGithub } from './fake-github.ts';
import { countDue, readTasks } from './store.ts';

type End = 'completed' | 'failed';
type Delivered = [event: string, payload: object, eventId?: string | undefined];

/** What a delivery was answered. */
export interface Answered {
  readonly status: number;
  readonly body: { readonly message?: string; readonly code?: string };
}

/** The service for GitHub above a queue, on a database of its own, with a clock that stands still and a GitHub of its own. */
export interface TestGithub {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly github: FakeGithub;
  readonly queue: Opened<Queue>;
  readonly app: FastifyInstance;
  /** Scopes of roles, by `assume:…`. */
  readonly roles: Map<string, readonly string[]>;
  /** Artifacts by `taskId/runId/name`: where their bytes are, or of which other kind they are. */
  readonly artifacts: Map<string, { readonly storageType: string; readonly url: string }>;
  /** What becomes of calls of hooks. */
  whenTriggered(trigger: HookVerbs['trigger']): void;
  /** Sends an event as GitHub does. */
  deliver(event: string, payload: object, eventId?: string): Promise<Answered>;
  /** Does all that is due: events, messages, reports, cancellations. */
  settle(): Promise<void>;
  /** The same by another process, on a pool of its own; closed with the rest. */
  another(): Promise<Pick<TestGithub, 'settle'>>;
  /** The names of the tasks of a group, or of all groups. */
  taskNames(): Promise<string[]>;
  messages(): Promise<SentMessage[]>;
  /** A worker claims the task of this name and reports. */
  runTask(name: string, end?: End): Promise<string>;
  close(): Promise<void>;
}

export interface TestGithubOptions {
  /** An operator who has set up no app. */
  readonly withoutApp?: boolean;
}

/** What the domain is opened with, of which tests put in their own. */
interface Around {
  readonly base: { readonly db: Database; readonly clock: ManualClock; readonly log: typeof silentLog };
  readonly github: FakeGithub;
  readonly queue: Queue;
  readonly queueContext: QueueContext;
  readonly roles: TestGithub['roles'];
  readonly artifacts: TestGithub['artifacts'];
  trigger: HookVerbs['trigger'];
}

const settingsOf = ({ appId, privateKey, secret, url }: FakeGithub) => ({
  appId,
  privateKey,
  webhookSecrets: ['an-older-secret', secret],
  apiUrl: url,
  statusContext: 'Taskyard',
});

const openDomain = (around: Around, { withoutApp = false }: TestGithubOptions): Github => {
  const { base, github, queue, queueContext, roles, artifacts: kept } = around;
  const rootUrl = () => 'https://tasks.example.com';
  const artifacts: Pick<ArtifactVerbs, 'getArtifact'> = {
    getArtifact: async ({ taskId, runId, name }) => {
      const found = kept.get(`${taskId}/${runId}/${name}`);
      if (!found) throw new RequestError('ResourceNotFound', 'There is none.');
      return new Reply(303, found);
    },
  };
  return createGithub({
    ...base,
    settings: withoutApp ? undefined : settingsOf(github),
    queueContext,
    queue: queue.verbs,
    views: createViews({ ...base, queue: queue.verbs, artifacts, rootUrl }).verbs,
    hooks: { trigger: (...call) => around.trigger(...call) },
    artifacts,
    arrived: localSignal(),
    touched: localSignal(),
    rootUrl,
    callerFor: async (scopes) => callerWith(scopes, roles),
  });
};

const serveDomain = ({ base: { clock }, roles }: Around, { verbs }: Github): FastifyInstance =>
  served(
    { declarations: [githubDeclaration], services: { github: verbs } },
    {
      clock,
      callerOf: ({ scopes }) => {
        const held = scopes === undefined ? [] : String(scopes).split(' ');
        return { ...callerWith(held, roles), isAnonymous: held.length === 0 };
      },
    },
  );

/** A worker claims the last run of the task of this name, and reports how it ended. */
const runTask = async (
  { base: { db }, queue: { verbs } }: Around,
  name: string,
  end: End,
): Promise<string> => {
  const task = (await readTasks(db)).findLast((row) => row.name === name);
  if (!task) throw new Error(`There is no task ${name}.`);
  const { taskId } = task;
  const [status] = await verbs.readStatuses.all([taskId]);
  const runId = (JSON.parse(String(status)) as { runs: object[] }).runs.length - 1;
  const worker = { workerGroup: 'group', workerId: 'worker' };
  await verbs.claimRuns.one({ taskId, runId, worker, authorize: () => {} });
  await verbs.resolveRuns.one({ taskId, runId, end });
  return taskId;
};

const loopNames = [
  'work-off-github-events',
  'deliver-to-github-tasks',
  'deliver-to-github-groups',
  'cancel-replaced-builds',
  'report-to-github',
];

const settle = async (
  { db, clock }: Around['base'],
  step: (name: string) => Promise<number>,
): Promise<void> => {
  for (let done = 1; done > 0; ) {
    done = 0;
    for (const name of loopNames) done += await step(name);
    // A page of messages that was not full counts as none, though it may have had an effect.
    done += await countDue(db, clock.now());
  }
};

const deliver = async (
  app: FastifyInstance,
  github: FakeGithub,
  [event, payload, eventId]: Delivered,
): Promise<Answered> => {
  const text = JSON.stringify(payload);
  const headers = github.headersFor(event, text, eventId);
  const reply = await app.inject({ method: 'POST', url: '/api/github/v1/github', headers, payload: text });
  return { status: reply.statusCode, body: JSON.parse(reply.body) as Answered['body'] };
};

/** What a process does in the background. */
const startWork = async (
  base: Around['base'],
  domain: Github,
): Promise<{ settle(): Promise<void>; end(): Promise<void> }> => {
  const events = createEvents({ ...base, changed: localSignal(), retentionSeconds: 3600 });
  const step = stepOf([...domain.loops, ...domain.subscriptions.map(events.subscribe)]);
  await events.start();
  return { settle: () => settle(base, step), end: events.close };
};

/** For tests: opens all that. */
export const testGithub = async (options: TestGithubOptions = {}): Promise<TestGithub> => {
  const { db, url, drop } = await testDatabase();
  const base = { db, clock: manualClock(new Date('2026-03-01T12:00:00Z')), log: silentLog };
  const github = await fakeGithub();
  const queueContext: QueueContext = { ...base, ...queueAlone() };
  const queue = createQueue(queueContext);
  const around: Around = {
    base,
    github,
    queue,
    queueContext,
    roles: new Map(),
    artifacts: new Map(),
    trigger: async () => ({}),
  };
  const domain = openDomain(around, options);
  const first = await startWork(base, domain);
  const app = serveDomain(around, domain);
  const ends: (() => Promise<void>)[] = [];
  return {
    ...base,
    github,
    queue: opened(queue),
    app,
    roles: around.roles,
    artifacts: around.artifacts,
    whenTriggered: (trigger) => {
      around.trigger = trigger;
    },
    deliver: (...delivered) => deliver(app, github, delivered),
    settle: first.settle,
    another: async () => {
      const own = { ...base, db: connect({ url }) };
      const context = { ...queueContext, ...own };
      const other = openDomain(
        { ...around, base: own, queueContext: context, queue: createQueue(context) },
        options,
      );
      const work = await startWork(own, other);
      ends.push(async () => {
        await work.end();
        await own.db.close();
      });
      return work;
    },
    taskNames: async () => (await readTasks(db)).map(({ name }) => name),
    messages: () => messagesIn(db),
    runTask: (name, end = 'completed') => runTask(around, name, end),
    close: async () => {
      await Promise.all([first.end(), queue.drain(), app.close(), github.close()]);
      for (const end of ends) await end();
      await drop();
    },
  };
};

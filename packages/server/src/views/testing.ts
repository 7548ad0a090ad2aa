import { type FastifyInstance, fastify } from 'fastify';
import { fillTemplate, scopeSet } from '../auth/index.ts';
import { type Database, type ManualClock, manualClock, silentLog, slugid } from '../base/index.ts';
import { serve } from '../http/index.ts';
import { createQueue, type FilledTaskRequest, type Queue } from '../queue/index.ts';
import {
  type Opened,
  opened,
  plainTask,
  queueAlone,
  servedOn,
  testDatabase,
  tester,
} from '../testing/index.ts';
import { createViews, viewsDeclaration } from './index.ts';

export interface TestViews {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly queue: Opened<Queue>;
  /** A GET over HTTP by a caller with these scopes. */
  get(path: string, scopes?: readonly string[]): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Creates a task; returns its id. */
  aTask(fields?: Partial<FilledTaskRequest> & { name?: string }): Promise<string>;
  /** Claims a task's run, and ends it in this way. */
  end(taskId: string, end: 'completed' | 'failed', runId?: number): Promise<void>;
  claim(taskId: string, runId?: number): Promise<void>;
  close(): Promise<void>;
}

const authorize = () => {};
const worker = { workerGroup: 'group', workerId: 'worker' };

const serveViews = (db: Database, queue: Opened<Queue>, clock: ManualClock): FastifyInstance => {
  const app = fastify();
  const deps = {
    ...servedOn(clock),
    authenticate: async ({ headers }: { headers: Record<string, unknown> }) => ({
      ...tester,
      ...scopeSet(JSON.parse(String(headers.scopes)) as string[]),
    }),
    fillScopes: fillTemplate,
  };
  const { verbs: views } = createViews({ db, clock, log: silentLog, queue });
  serve(app, deps, { declarations: [viewsDeclaration], services: { views } });
  return app;
};

/** For tests: views of a queue, on a database of its own. */
export const testViews = async (): Promise<TestViews> => {
  const { db, drop } = await testDatabase();
  const clock = manualClock();
  const queue = opened(createQueue({ db, clock, log: silentLog, ...queueAlone() }));
  const app = serveViews(db, queue, clock);
  const claim = async (taskId: string, runId = 0) => {
    await queue.claimRuns.one({ taskId, runId, worker, authorize });
  };
  return {
    db,
    clock,
    queue,
    get: async (path, scopes = ['*']) => {
      const headers = { scopes: JSON.stringify(scopes) };
      const reply = await app.inject({ method: 'GET', url: `/api/views/v1/${path}`, headers });
      return { status: reply.statusCode, body: JSON.parse(reply.body) as Record<string, unknown> };
    },
    aTask: async ({ name = 'A task', ...fields } = {}) => {
      const taskId = slugid();
      const plain = plainTask(clock.now());
      const metadata = { ...plain.metadata, name };
      const request = { ...plain, taskQueueId: 'prov/type', metadata, ...fields };
      await queue.createTasks.one({ taskId, request, authorize });
      return taskId;
    },
    claim,
    end: async (taskId, end, runId = 0) => {
      await claim(taskId, runId);
      await queue.resolveRuns.one({ taskId, runId, end });
    },
    close: async () => {
      await app.close();
      await queue.drain();
      await drop();
    },
  };
};

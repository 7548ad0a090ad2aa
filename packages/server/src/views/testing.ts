import type { FastifyInstance } from 'fastify';
import type { ArtifactVerbs } from '../artifacts/index.ts';
import {
  type Database,
  type ManualClock,
  manualClock,
  RequestError,
  silentLog,
  slugid,
} from '../base/index.ts';
import { Reply } from '../http/index.ts';
import { createQueue, type FilledTaskRequest, type Queue } from '../queue/index.ts';
import {
  callerWith,
  type Opened,
  opened,
  plainTask,
  queueAlone,
  served,
  testDatabase,
} from '../testing/index.ts';
import { createViews, profileRoutes, viewsDeclaration } from './index.ts';

export interface TestViews {
  readonly db: Database;
  readonly clock: ManualClock;
  readonly queue: Opened<Queue>;
  /** The scopes of callers without credentials; to be filled by tests. */
  readonly everybody: string[];
  /** The texts of artifacts, or their addresses, by `<taskId>/<name>`; to be filled by tests. */
  readonly texts: Map<string, string>;
  /** A GET of the service `web-server` without credentials. */
  profile(path: string): Promise<{ status: number; cacheControl: string; body: Record<string, unknown> }>;
  /** A GET over HTTP by a caller with these scopes. */
  get(path: string, scopes?: readonly string[]): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Creates a task, with an id of its own unless one is given; returns its id. */
  aTask(fields?: Partial<FilledTaskRequest> & { name?: string; taskId?: string }): Promise<string>;
  /** Claims a task's run, and ends it in this way. */
  end(taskId: string, end: 'completed' | 'failed', runId?: number): Promise<void>;
  claim(taskId: string, runId?: number): Promise<void>;
  close(): Promise<void>;
}

const authorize = () => {};
const worker = { workerGroup: 'group', workerId: 'worker' };

const serveViews = ({
  db,
  queue,
  clock,
  everybody,
  texts,
}: Pick<TestViews, 'db' | 'queue' | 'clock' | 'everybody' | 'texts'>): FastifyInstance => {
  const artifacts: Pick<ArtifactVerbs, 'getArtifact'> = {
    getArtifact: async ({ taskId, name, authorize: check }) => {
      check({ names: [name] });
      const text = texts.get(`${taskId}/${name}`);
      if (text === undefined) throw new RequestError('ResourceNotFound', 'There is none.');
      const url = text.startsWith('http://') ? text : `data:text/plain,${encodeURIComponent(text)}`;
      return new Reply(303, { storageType: 's3', url });
    },
  };
  const rootUrl = () => 'http://localhost';
  const { verbs: views } = createViews({ db, clock, log: silentLog, queue, artifacts, rootUrl });
  const webServer = {
    service: { serviceName: 'web-server', title: '', description: '' },
    routes: profileRoutes,
  };
  return served(
    { declarations: [viewsDeclaration, webServer], services: { views } },
    {
      clock,
      callerOf: ({ scopes }) =>
        callerWith(scopes === undefined ? everybody : (JSON.parse(String(scopes)) as string[])),
    },
  );
};

/** For tests: views of a queue, on a database of its own. */
export const testViews = async (): Promise<TestViews> => {
  const { db, drop } = await testDatabase();
  const clock = manualClock();
  const queue = opened(createQueue({ db, clock, log: silentLog, ...queueAlone() }));
  const [everybody, texts] = [[] as string[], new Map<string, string>()];
  const app = serveViews({ db, queue, clock, everybody, texts });
  const claim = async (taskId: string, runId = 0) => {
    await queue.claimRuns.one({ taskId, runId, worker, authorize });
  };
  return {
    db,
    clock,
    queue,
    everybody,
    texts,
    profile: async (path) => {
      const reply = await app.inject({ method: 'GET', url: `/api/web-server/v1/${path}` });
      return {
        status: reply.statusCode,
        cacheControl: String(reply.headers['cache-control']),
        body: JSON.parse(reply.body) as Record<string, unknown>,
      };
    },
    get: async (path, scopes = ['*']) => {
      const headers = { scopes: JSON.stringify(scopes) };
      const reply = await app.inject({ method: 'GET', url: `/api/views/v1/${path}`, headers });
      return { status: reply.statusCode, body: JSON.parse(reply.body) as Record<string, unknown> };
    },
    aTask: async ({ name = 'A task', taskId = slugid(), ...fields } = {}) => {
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

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { slugid } from '@taskyard/client';
import { pause, within } from '@taskyard/patience';

/** An artifact as it was created, and the bytes that came for it. */
export interface FakeArtifact {
  readonly storageType: string;
  readonly contentType: string;
  readonly expires: string;
  readonly url?: string;
  readonly artifact?: string;
  readonly reason?: string;
  readonly bytes?: Buffer;
  readonly headers?: IncomingMessage['headers'];
}

export interface FakeRun {
  state: 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  reason?: string;
  started?: Date;
  takenUntil?: Date;
  workerId?: string;
  reclaims: number;
  readonly artifacts: Map<string, FakeArtifact>;
}

export interface FakeTask {
  readonly taskId: string;
  readonly definition: Record<string, unknown>;
  readonly runs: FakeRun[];
}

export interface FakeQueueOptions {
  /** How long claims last. Default 20 minutes. */
  readonly claimMs?: number;
  /** How long an empty poll waits. Default 1 s. */
  readonly pollMs?: number;
  /** The time of claims. Default: that of this machine. */
  readonly now?: () => Date;
}

type Json = Record<string, unknown>;
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const emptyRun = (): FakeRun => ({ state: 'pending', reclaims: 0, artifacts: new Map() });

/**
 * A queue over HTTP, small but honest: runs move only as the real one lets them. It keeps everything it was
 * told, so that a test can wait for it and look at it.
 */
export const startFakeQueue = async ({
  claimMs = 1_200_000,
  pollMs = 1000,
  now = () => new Date(),
}: FakeQueueOptions = {}) => {
  const tasks = new Map<string, FakeTask>();
  const indexed = new Map<string, string>();
  const purgeRequests: { cacheName: string; before: string }[] = [];
  const requests: { method: string; path: string; clientId: string }[] = [];
  const faults: ((path: string) => number | undefined)[] = [];
  let isHeld = (_path: string): boolean => false;
  let letGo = (): void => undefined;
  const release = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let watchers: (() => void)[] = [];
  let rootUrl = '';
  const changed = (): void => {
    const waking = watchers;
    watchers = [];
    for (const wake of waking) wake();
  };

  const fulfilled = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => watchers.push(resolve));
  };
  /** Resolves when the condition holds, which is tried whenever something has changed. */
  const until = (condition: () => boolean): Promise<void> =>
    within(`the queue to fulfil ${condition}`, fulfilled(condition));

  const addTask = (payload: Json, overrides: Json = {}): string => {
    const taskId = slugid();
    const created = now().getTime();
    const definition = {
      taskQueueId: 'test/worker',
      taskGroupId: taskId,
      dependencies: [],
      scopes: [],
      created: new Date(created).toJSON(),
      deadline: new Date(created + 3_600_000).toJSON(),
      expires: new Date(created + 7_200_000).toJSON(),
      metadata: { name: 'a task', description: '', owner: 'me', source: 'https://example.com' },
      payload,
      ...overrides,
    };
    tasks.set(taskId, { taskId, definition, runs: [emptyRun()] });
    changed();
    return taskId;
  };

  const find = (taskId: string): FakeTask => {
    const task = tasks.get(taskId);
    if (!task) throw new Refusal(404, 'There is no such task.');
    return task;
  };
  const statusOf = ({ taskId, runs, definition }: FakeTask): Json => ({
    taskId,
    state: runs.at(-1)?.state,
    taskGroupId: definition.taskGroupId,
    runs: runs.map(({ state, started, takenUntil }, runId) => ({ runId, state, started, takenUntil })),
  });
  const runningRun = (task: FakeTask, runId: number): FakeRun => {
    const run = task.runs[runId];
    if (!run) throw new Refusal(404, 'There is no such run.');
    if (run.state !== 'running') throw new Refusal(409, `The run is ${run.state}.`);
    return run;
  };
  const take = (task: FakeTask, run: FakeRun): Json => {
    run.takenUntil = new Date(now().getTime() + claimMs);
    const runId = task.runs.indexOf(run);
    const clientId = `task-client/${task.taskId}/${runId}/${run.reclaims}`;
    return {
      status: statusOf(task),
      runId,
      takenUntil: run.takenUntil.toJSON(),
      credentials: { clientId, accessToken: 'secret', certificate: '{}' },
    };
  };

  /** Ends the claims that were not renewed in time, so that their tasks are tried again. */
  const expireClaims = (at = now()): void => {
    for (const { runs } of tasks.values()) {
      const run = runs.at(-1);
      if (run?.state !== 'running' || !run.takenUntil || run.takenUntil > at) continue;
      run.state = 'exception';
      run.reason = 'claim-expired';
      runs.push(emptyRun());
    }
    changed();
  };

  const polls = { now: 0, most: 0 };
  const poll = async (body: Json, request: IncomingMessage): Promise<Json> => {
    polls.now++;
    polls.most = Math.max(polls.most, polls.now);
    try {
      return await claimWork(body, request);
    } finally {
      polls.now--;
    }
  };

  const claimWork = async (body: Json, request: IncomingMessage): Promise<Json> => {
    let isTimeUp = false;
    const timeIsUp = pause(pollMs).then(() => {
      isTimeUp = true;
    });
    for (;;) {
      const pending = [...tasks.values()].filter(({ runs }) => runs.at(-1)?.state === 'pending');
      // A worker that was killed must be given nothing: its claim would never end.
      if (request.socket.destroyed || request.socket.readableEnded) return { tasks: [] };
      if (pending.length > 0 || isTimeUp) {
        return {
          tasks: pending.slice(0, body.tasks as number).map((task) => {
            const run = task.runs.at(-1) as FakeRun;
            run.state = 'running';
            run.started = now();
            run.workerId = body.workerId as string;
            return {
              ...take(task, run),
              workerGroup: body.workerGroup,
              workerId: body.workerId,
              task: task.definition,
            };
          }),
        };
      }
      await Promise.race([timeIsUp, new Promise<void>((resolve) => watchers.push(resolve))]);
    }
  };

  const resolve = (task: FakeTask, runId: number, state: FakeRun['state'], reason: string): Json => {
    const run = task.runs[runId];
    if (run?.state === state && run.reason === reason) return { status: statusOf(task) };
    const running = runningRun(task, runId);
    running.state = state;
    running.reason = reason;
    if (reason === 'worker-shutdown' || reason === 'intermittent-task') task.runs.push(emptyRun());
    return { status: statusOf(task) };
  };

  const createArtifact = (
    run: FakeRun,
    body: Json,
    address: { taskId: string; runId: number; name: string },
  ): Json => {
    const { name } = address;
    const earlier = run.artifacts.get(name);
    const mayReplace = !earlier || earlier.storageType === body.storageType || body.storageType === 'link';
    if (!mayReplace) throw new Refusal(409, `${name} is there already, as ${earlier.storageType}.`);
    run.artifacts.set(name, { ...(body as unknown as FakeArtifact) });
    const putUrl = `${rootUrl}/upload/${address.taskId}/${address.runId}/${encodeURIComponent(name)}`;
    const { storageType, expires, contentType } = body;
    return storageType === 's3' ? { storageType, putUrl, expires, contentType } : { storageType };
  };

  const bytesUrl = (taskId: string, runId: number, name: string): Json => {
    const found = find(taskId).runs[runId]?.artifacts.get(name);
    if (!found) throw new Refusal(404, 'There is no such artifact.');
    if (found.storageType === 'link') return bytesUrl(taskId, runId, found.artifact ?? '');
    if (found.storageType === 'reference') return { storageType: 'reference', url: found.url };
    if (found.storageType === 'error')
      return { storageType: 'error', reason: found.reason, message: 'it is not there' };
    return { storageType: 's3', url: `${rootUrl}/upload/${taskId}/${runId}/${encodeURIComponent(name)}` };
  };

  const answer = async (request: IncomingMessage, path: string[]): Promise<Json> => {
    const bytes = await buffer(request);
    const body = (bytes.length > 0 ? JSON.parse(bytes.toString()) : {}) as Json;
    const [kind, taskId = '', what, runText, verb, name = ''] = path;
    if (kind === 'claim-work') return poll(body, request);
    if (kind === 'scopes') return { scopes: [...(body.scopes as string[]), 'generic-worker:cache:by-role'] };
    const task = find(taskId);
    if (what === 'status') return { status: statusOf(task) };
    if (what === 'artifact-content') return bytesUrl(taskId, task.runs.length - 1, runText ?? '');
    const runId = Number(runText);
    if (verb === 'artifact-content') return bytesUrl(taskId, runId, name);
    if (verb === 'artifacts') return createArtifact(runningRun(task, runId), body, { taskId, runId, name });
    if (verb === 'completed' || verb === 'failed') return resolve(task, runId, verb, verb);
    if (verb === 'exception') return resolve(task, runId, 'exception', body.reason as string);
    if (verb === 'reclaim') {
      const run = runningRun(task, runId);
      run.reclaims++;
      return take(task, run);
    }
    throw new Refusal(404, `The fake queue does not know ${path.join('/')}.`);
  };

  const findIndexed = (namespace: string): Json => {
    const taskId = indexed.get(namespace);
    if (!taskId) throw new Refusal(404, 'There is no task at this path.');
    return { namespace, taskId, rank: 0, data: {}, expires: new Date(Date.now() + 3_600_000).toJSON() };
  };

  const store = async (request: IncomingMessage, response: ServerResponse, path: string[]): Promise<void> => {
    const [taskId = '', runId, name = ''] = path;
    const run = find(taskId).runs[Number(runId)];
    const found = run?.artifacts.get(name);
    if (!run || !found) throw new Refusal(404, 'There is no such artifact.');
    if (request.method === 'PUT') {
      run.artifacts.set(name, { ...found, bytes: await buffer(request), headers: request.headers });
      response.writeHead(200).end();
      return;
    }
    const encoding = found.headers?.['content-encoding'];
    response.writeHead(200, encoding === undefined ? {} : { 'content-encoding': encoding }).end(found.bytes);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts = (request.url ?? '').split('/').slice(1).map(decodeURIComponent);
    const path = (request.url ?? '').replace('/api/queue/v1', '');
    const clientId = /id="([^"]*)"/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    requests.push({ method: request.method ?? '', path, clientId });
    const fault = faults.map((one) => one(path)).find((status) => status !== undefined);
    if (isHeld(path)) {
      changed();
      await release;
    }
    if (fault === 0) return void request.socket.destroy();
    if (fault !== undefined) throw new Refusal(fault, 'The fake queue was told to fail.');
    if (parts[0] === 'upload') await store(request, response, parts.slice(1));
    else {
      const reply =
        parts[1] === 'index'
          ? findIndexed(parts[4] ?? '')
          : parts[1] === 'purge-cache'
            ? { requests: purgeRequests }
            : await answer(request, parts.slice(3));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
    }
  };

  let inFlight = 0;
  const server = createServer((request, response) => {
    inFlight++;
    handle(request, response)
      .catch((error: Error) => {
        const status = error instanceof Refusal ? error.status : 500;
        request.resume();
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ code: 'Refused', message: error.message }));
      })
      .finally(() => {
        inFlight--;
        changed();
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    rootUrl,
    tasks,
    /** Which task stands at which path of the index. */
    indexed,
    /** What the worker is told to purge. */
    purgeRequests,
    requests,
    polls,
    until,
    changed,
    expireClaims,
    /** Waits until no request is being answered. */
    quiet: () => until(() => inFlight === 0),
    addTask,
    run: (taskId: string, runId = 0): FakeRun => {
      const run = tasks.get(taskId)?.runs[runId];
      if (!run) throw new Error(`There is no run ${runId} of ${taskId}.`);
      return run;
    },
    /** Waits until the run is resolved. */
    resolved: async (taskId: string, runId = 0): Promise<FakeRun> => {
      const run = (): FakeRun | undefined => tasks.get(taskId)?.runs[runId];
      await until(() => !['pending', 'running', undefined].includes(run()?.state));
      return run() as FakeRun;
    },
    /** The log as it was kept, uncompressed. */
    logOf: (run: FakeRun): string =>
      gunzipSync(run.artifacts.get('public/logs/live_backing.log')?.bytes ?? Buffer.alloc(0)).toString(),
    /** Answers requests with this status where the function gives one; 0 breaks the connection. */
    fail: (fault: (path: string) => number | undefined): void => {
      faults.push(fault);
    },
    /** Returns these requests no sooner than `letGo` is called. */
    hold: (which: (path: string) => boolean): void => {
      isHeld = which;
    },
    letGo: (): void => letGo(),
    close: async (): Promise<void> => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
export type FakeQueue = Awaited<ReturnType<typeof startFakeQueue>>;

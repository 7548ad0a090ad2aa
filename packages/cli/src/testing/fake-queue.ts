import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CreateTaskRequest, TaskStatus } from '@taskyard/client';

type RunState = TaskStatus['runs'][number]['state'];
type Definition = CreateTaskRequest & { readonly taskGroupId: string };

interface FakeTask {
  readonly task: Definition;
  readonly status: TaskStatus;
  readonly log: string;
}

/** What the fake worker does with a task: how it ends, and its log. `hangs` never ends on its own. */
export interface Behaviour {
  readonly ends: 'completed' | 'failed' | 'hangs' | 'completed after a retry';
  readonly log?: string;
}

const exchangeOf: Readonly<Record<string, string>> = {
  unscheduled: 'task-defined',
  pending: 'task-pending',
  running: 'task-running',
  completed: 'task-completed',
  failed: 'task-failed',
  exception: 'task-exception',
};

const readText = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

const statusOf = (taskId: string, task: Definition): TaskStatus => ({
  taskId,
  provisionerId: 'local',
  workerType: 'built-in',
  taskQueueId: 'local/built-in',
  schedulerId: '-',
  projectId: 'none',
  taskGroupId: task.taskGroupId,
  priority: 'lowest',
  deadline: task.deadline,
  expires: task.deadline,
  retriesLeft: 5,
  state: 'unscheduled',
  runs: [],
});

/** Tasks, and a worker that treats each as the test says for its name. */
class FakeTasks {
  readonly tasks = new Map<string, FakeTask>();
  readonly #behaviours: Readonly<Record<string, Behaviour>>;
  readonly #publish: (task: FakeTask, state: string) => void;

  constructor(
    behaviours: Readonly<Record<string, Behaviour>>,
    publish: (task: FakeTask, state: string) => void,
  ) {
    this.#behaviours = behaviours;
    this.#publish = publish;
  }

  create(created: readonly { taskId: string; task: Definition }[]): void {
    for (const { taskId, task } of created) {
      const log = this.#behaviours[task.metadata.name]?.log ?? 'all is well\n';
      const fresh = { task, log, status: statusOf(taskId, task) };
      this.tasks.set(taskId, fresh);
      this.#publish(fresh, 'unscheduled');
    }
    this.#schedule();
  }

  /** Cancels every task that is not resolved. */
  cancel() {
    const open = [...this.tasks].filter(([, { status }]) =>
      ['unscheduled', 'pending', 'running'].includes(status.state),
    );
    const at = new Date().toJSON();
    for (const [taskId] of open)
      this.#move(taskId, 'exception', { reasonResolved: 'canceled', resolved: at });
    return {
      taskGroupId: 'g',
      taskGroupSize: this.tasks.size,
      cancelledCount: open.length,
      taskIds: open.map(([id]) => id),
    };
  }

  list() {
    return { tasks: [...this.tasks.values()].map(({ task, status }) => ({ task, status })) };
  }

  /** Gives a task its next state, in a new run when it becomes pending. */
  #move(taskId: string, state: RunState, changes: Partial<TaskStatus['runs'][number]> = {}): void {
    const found = this.tasks.get(taskId);
    if (!found) return;
    const now = new Date().toJSON();
    const isNew = state === 'pending' || found.status.runs.length === 0;
    const fresh = { runId: found.status.runs.length, reasonCreated: 'scheduled' as const, scheduled: now };
    const last = isNew ? fresh : found.status.runs.at(-1);
    const run = { ...fresh, ...last, state, ...changes };
    const runs = isNew ? [...found.status.runs, run] : [...found.status.runs.slice(0, -1), run];
    const next = { ...found, status: { ...found.status, state, runs } };
    this.tasks.set(taskId, next);
    this.#publish(next, state);
  }

  #work(taskId: string): void {
    const found = this.tasks.get(taskId);
    if (found?.status.state !== 'pending') return;
    const behaviour = this.#behaviours[found.task.metadata.name] ?? { ends: 'completed' };
    const at = new Date().toJSON();
    this.#move(taskId, 'running', { started: at, workerGroup: 'local', workerId: 'w' });
    if (behaviour.ends === 'hangs') return;
    if (behaviour.ends === 'completed after a retry' && found.status.runs.length < 2) {
      this.#move(taskId, 'exception', { reasonResolved: 'intermittent-task', resolved: at });
      this.#move(taskId, 'pending', { reasonCreated: 'task-retry' });
      setImmediate(() => this.#work(taskId));
      return;
    }
    const state = behaviour.ends === 'failed' ? 'failed' : 'completed';
    this.#move(taskId, state, { reasonResolved: state, resolved: at });
    this.#schedule();
  }

  #isReady({ task, status }: FakeTask): boolean {
    return (
      status.state === 'unscheduled' &&
      (task.dependencies ?? []).every((needed) => this.tasks.get(needed)?.status.state === 'completed')
    );
  }

  #schedule(): void {
    for (const [taskId, found] of this.tasks) {
      if (!this.#isReady(found)) continue;
      this.#move(taskId, 'pending');
      setImmediate(() => this.#work(taskId));
    }
  }
}

/** The event stream: messages with growing positions, to all listeners. */
class FakeStream {
  readonly #listeners = new Set<ServerResponse>();
  #position = 0;

  add(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: position\nid: ${this.#position}\ndata: {}\n\n`);
    this.#listeners.add(response);
    request.on('close', () => this.#listeners.delete(response));
  }

  publish({ status }: FakeTask, state: string): void {
    this.#position += 1;
    const message = {
      exchange: `exchange/taskcluster-queue/v1/${exchangeOf[state]}`,
      routingKey: `primary.${status.taskId}`,
      routes: [],
      payload: { version: 1, status },
    };
    const data = JSON.stringify(message);
    for (const listener of this.#listeners) listener.write(`id: ${this.#position}\ndata: ${data}\n\n`);
  }
}

const log = {
  name: 'public/logs/live_backing.log',
  storageType: 's3',
  contentType: 'text/plain',
  expires: '',
};

/** The reply to a call; undefined for a task that does not exist. */
const replyTo = (queue: FakeTasks, { pathname, origin }: URL, body: string): unknown => {
  const taskId = /\/task\/([^/]+)/.exec(pathname)?.[1] ?? '';
  if (/\/task-group\/[^/]+\/tasks$/.test(pathname)) queue.create((JSON.parse(body) as { tasks: [] }).tasks);
  if (pathname.endsWith('/cancel')) return pathname.includes('/task-group/') ? queue.cancel() : undefined;
  if (pathname.endsWith('/list')) return queue.list();
  const status = queue.tasks.get(taskId)?.status;
  if (pathname.endsWith('/status')) return status && { status };
  if (pathname.endsWith('/artifacts')) return { artifacts: [log, { ...log, name: 'public/report.html' }] };
  if (pathname.includes('/artifact-content/')) return { storageType: 's3', url: `${origin}/log/${taskId}` };
  if (/\/task\/[^/]+$/.test(pathname)) return queue.tasks.get(taskId)?.task;
  return {};
};

/**
 * Starts a small queue, with a worker that treats each task as the test says for its name. It keeps the order of the real
 * queue: a task is pending when its dependencies have completed, and each change is a message on the stream.
 */
export const startFakeQueue = async (behaviours: Readonly<Record<string, Behaviour>> = {}) => {
  const calls: string[] = [];
  const stream = new FakeStream();
  const queue = new FakeTasks(behaviours, (task, state) => stream.publish(task, state));
  let rootUrl = '';
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', rootUrl);
    const body = await readText(request);
    if (url.pathname.startsWith('/log/')) return response.end(queue.tasks.get(url.pathname.slice(5))?.log);
    calls.push(`${request.method} ${url.pathname.replace('/api', '')}`);
    if (url.pathname === '/api/events/v1/stream') return stream.add(request, response);
    const found = replyTo(queue, url, body);
    const error = { code: 'ResourceNotFound', message: 'There is no such task.\n\n---\n\n* method: x' };
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { rootUrl, calls, tasks: queue.tasks, close };
};

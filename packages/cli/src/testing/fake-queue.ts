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

/** What a fake worker does with a task: how it ends, and its log. `hangs` never ends by itself. */
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

/**
 * A small honest queue, with a worker that behaves as told by the names of the tasks. It keeps to the order of
 * the real one: a task is pending when what it needs has completed, and each move is a message on the stream.
 */
export const startFakeQueue = async (behaviours: Readonly<Record<string, Behaviour>> = {}) => {
  const tasks = new Map<string, FakeTask>();
  const streams = new Set<ServerResponse>();
  const calls: string[] = [];
  let position = 0;
  let rootUrl = '';

  const publish = ({ status }: FakeTask, state: string): void => {
    position += 1;
    const message = {
      exchange: `exchange/taskcluster-queue/v1/${exchangeOf[state]}`,
      routingKey: `primary.${status.taskId}`,
      routes: [],
      payload: { version: 1, status },
    };
    for (const stream of streams) stream.write(`id: ${position}\ndata: ${JSON.stringify(message)}\n\n`);
  };

  const move = (taskId: string, state: RunState, changes: Partial<TaskStatus['runs'][number]> = {}): void => {
    const found = tasks.get(taskId);
    if (!found) return;
    const now = new Date().toJSON();
    const isNew = state === 'pending' || found.status.runs.length === 0;
    const fresh = { runId: found.status.runs.length, reasonCreated: 'scheduled' as const, scheduled: now };
    const last = isNew ? fresh : found.status.runs.at(-1);
    const run = { ...fresh, ...last, state, ...changes };
    const runs = isNew ? [...found.status.runs, run] : [...found.status.runs.slice(0, -1), run];
    const next = { ...found, status: { ...found.status, state, runs } };
    tasks.set(taskId, next);
    publish(next, state);
  };

  const work = (taskId: string): void => {
    const found = tasks.get(taskId);
    if (found?.status.state !== 'pending') return;
    const behaviour = behaviours[found.task.metadata.name] ?? { ends: 'completed' };
    const at = new Date().toJSON();
    move(taskId, 'running', { started: at, workerGroup: 'local', workerId: 'w' });
    if (behaviour.ends === 'hangs') return;
    if (behaviour.ends === 'completed after a retry' && found.status.runs.length < 2) {
      move(taskId, 'exception', { reasonResolved: 'intermittent-task', resolved: at });
      move(taskId, 'pending', { reasonCreated: 'task-retry' });
      setImmediate(work, taskId);
      return;
    }
    const state = behaviour.ends === 'failed' ? 'failed' : 'completed';
    move(taskId, state, { reasonResolved: state, resolved: at });
    schedule();
  };

  const isReady = ({ task, status }: FakeTask): boolean =>
    status.state === 'unscheduled' &&
    (task.dependencies ?? []).every((needed) => tasks.get(needed)?.status.state === 'completed');

  const schedule = (): void => {
    for (const [taskId, found] of tasks) {
      if (!isReady(found)) continue;
      move(taskId, 'pending');
      setImmediate(work, taskId);
    }
  };

  const create = (created: readonly { taskId: string; task: Definition }[]): void => {
    for (const { taskId, task } of created) {
      const log = behaviours[task.metadata.name]?.log ?? 'all is well\n';
      tasks.set(taskId, { task, log, status: statusOf(taskId, task) });
      publish(tasks.get(taskId) as FakeTask, 'unscheduled');
    }
    schedule();
  };

  const cancel = () => {
    const open = [...tasks].filter(([, { status }]) =>
      ['unscheduled', 'pending', 'running'].includes(status.state),
    );
    const at = new Date().toJSON();
    for (const [taskId] of open) move(taskId, 'exception', { reasonResolved: 'canceled', resolved: at });
    return {
      taskGroupId: 'g',
      taskGroupSize: tasks.size,
      cancelledCount: open.length,
      taskIds: open.map(([id]) => id),
    };
  };

  const list = () => ({ tasks: [...tasks.values()].map(({ task, status }) => ({ task, status })) });

  const answer = (path: string, body: string): unknown => {
    const taskId = /\/task\/([^/]+)/.exec(path)?.[1] ?? '';
    if (/\/task-group\/[^/]+\/tasks$/.test(path)) create((JSON.parse(body) as { tasks: [] }).tasks);
    if (path.endsWith('/cancel')) return path.includes('/task-group/') ? cancel() : undefined;
    if (path.endsWith('/list')) return list();
    if (path.endsWith('/status'))
      return tasks.has(taskId) ? { status: tasks.get(taskId)?.status } : undefined;
    if (path.endsWith('/artifacts')) {
      const log = {
        name: 'public/logs/live_backing.log',
        storageType: 's3',
        contentType: 'text/plain',
        expires: '',
      };
      return { artifacts: [log, { ...log, name: 'public/report.html' }] };
    }
    if (path.includes('/artifact-content/')) return { storageType: 's3', url: `${rootUrl}/log/${taskId}` };
    return {};
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', rootUrl);
    const body = await readText(request);
    if (url.pathname.startsWith('/log/')) return response.end(tasks.get(url.pathname.slice(5))?.log);
    calls.push(`${request.method} ${url.pathname.replace('/api', '')}`);
    if (url.pathname === '/api/events/v1/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: position\nid: ${position}\ndata: {}\n\n`);
      streams.add(response);
      return request.on('close', () => streams.delete(response));
    }
    const found = answer(url.pathname, body);
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
  return { rootUrl, calls, tasks, close };
};

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { pause } from '@taskyard/patience';
import { artifactContent, createArtifact, createArtifacts, exchangeBytes } from './fake-artifacts.ts';
import {
  type FakeRun,
  FakeTasks,
  type FakeTasksOptions,
  type Json,
  Refusal,
  refusalIn,
} from './fake-tasks.ts';

export interface FakeQueueOptions extends FakeTasksOptions {
  /** How long an empty poll waits. Default 1 s. */
  readonly pollMs?: number;
}

/** A small queue over HTTP. A test can wait for what workers report to it, and make it fail. */
export class FakeQueue extends FakeTasks {
  rootUrl = '';
  /** The task at each path of the index. */
  readonly indexed = new Map<string, string>();
  /** The purge requests for the worker. */
  readonly purgeRequests: { cacheName: string; before: string }[] = [];
  /** Why workers were quarantined. */
  readonly quarantines: string[] = [];
  readonly requests: { method: string; path: string; clientId: string }[] = [];
  /** How many polls wait now, and how many have waited at the same time at most. */
  readonly polls = { now: 0, most: 0 };
  readonly #pollMs: number;
  readonly #faults: ((path: string) => number | undefined)[] = [];
  #letGo = (): void => undefined;
  readonly #release = new Promise<void>((resolve) => {
    this.#letGo = resolve;
  });
  readonly #server: Server;
  #isHeld = (_path: string): boolean => false;
  #inFlight = 0;

  constructor({ pollMs = 1000, ...options }: FakeQueueOptions) {
    super(options);
    this.#pollMs = pollMs;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.rootUrl = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Waits until no request is in progress. */
  quiet(): Promise<void> {
    return this.until(() => this.#inFlight === 0);
  }

  /** The log that was stored, uncompressed. */
  logOf(run: FakeRun): string {
    const { bytes = Buffer.alloc(0) } = run.artifacts.get('public/logs/live_backing.log') ?? {};
    return gunzipSync(bytes).toString();
  }

  /** Replies with this status to requests for which the function returns one; 0 breaks the connection. */
  fail(fault: (path: string) => number | undefined): void {
    this.#faults.push(fault);
  }

  /** Does not reply to these requests before `letGo` is called. */
  hold(which: (path: string) => boolean): void {
    this.#isHeld = which;
  }

  letGo(): void {
    this.#letGo();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inFlight++;
    try {
      await this.#handle(request, response);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500;
      request.resume();
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: 'Refused', message: (error as Error).message }));
    } finally {
      this.#inFlight--;
      this.changed();
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts = (request.url ?? '').split('/').slice(1).map(decodeURIComponent);
    const path = (request.url ?? '').replace('/api/queue/v1', '');
    const clientId = /id="([^"]*)"/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    this.requests.push({ method: request.method ?? '', path, clientId });
    const fault = this.#faults.map((one) => one(path)).find((status) => status !== undefined);
    if (this.#isHeld(path)) {
      this.changed();
      await this.#release;
    }
    if (fault === 0) return void request.socket.destroy();
    if (fault !== undefined) throw new Refusal(fault, 'The fake queue was told to fail.');
    if (parts[0] === 'upload') return exchangeBytes(this, parts.slice(1), { request, response });
    const reply = await this.#reply(request, parts.slice(1));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  }

  async #reply(request: IncomingMessage, [service, , ...path]: readonly string[]): Promise<Json> {
    if (service === 'index') return this.#findIndexed(path[1] ?? '');
    if (service === 'purge-cache') return { requests: this.purgeRequests };
    const bytes = await buffer(request);
    const body = (bytes.length > 0 ? JSON.parse(bytes.toString()) : {}) as Json;
    const [kind] = path;
    if (kind === 'claim-work') return this.#poll(body, request);
    if (kind === 'lost-runs') return this.#awaitLostRuns(body);
    if (kind === 'report-runs') return this.#reportRuns(body);
    if (kind === 'create-artifacts') {
      const [, taskId = '', runId] = path;
      return createArtifacts(this, { rootUrl: this.rootUrl, body, taskId, runId: Number(runId) });
    }
    if (kind === 'provisioners') return this.#quarantine(body);
    if (kind === 'scopes') return { scopes: [...(body.scopes as string[]), 'generic-worker:cache:by-role'] };
    return this.#replyOfTask(path, body);
  }

  #replyOfTask(path: readonly string[], body: Json): Json {
    const [, taskId = '', what, runText, verb, name = ''] = path;
    const { rootUrl } = this;
    const task = this.find(taskId);
    if (what === 'status') return { status: this.statusOf(task) };
    if (what === 'artifact-content')
      return artifactContent(this, rootUrl, { taskId, runId: task.runs.length - 1, name: runText ?? '' });
    const runId = Number(runText);
    const address = { taskId, runId, name };
    if (verb === 'artifact-content') return artifactContent(this, rootUrl, address);
    if (verb === 'artifacts') return createArtifact(this, { rootUrl, body, address });
    if (verb === 'completed' || verb === 'failed') return this.resolve(task, runId, verb, verb);
    if (verb === 'exception') return this.resolve(task, runId, 'exception', body.reason as string);
    if (verb === 'reclaim') return this.reclaim(task, runId);
    throw new Refusal(404, `The fake queue does not know ${path.join('/')}.`);
  }

  async #awaitLostRuns({ runs }: Json): Promise<Json> {
    const isLost = ({ taskId, runId }: { taskId: string; runId: number }): boolean =>
      this.find(taskId).runs[runId]?.reason === 'canceled';
    const asked = runs as { taskId: string; runId: number }[];
    let isTimeUp = false;
    const timeIsUp = pause(this.#pollMs).then(() => {
      isTimeUp = true;
    });
    while (!asked.some(isLost) && !isTimeUp) await Promise.race([timeIsUp, this.nextChange()]);
    return { runs: asked.filter(isLost) };
  }

  #reportRuns({ reports }: Json): Json {
    const known = ['taskId', 'runId', 'state', 'reason', 'authorization'];
    if ((reports as Json[]).some((one) => Object.keys(one).some((key) => !known.includes(key))))
      throw new Refusal(400, 'A report has a field that is not known.');
    const answers = (reports as Json[]).map(({ taskId, runId, state, reason }) => {
      try {
        const path = ['task', taskId, 'runs', String(runId), state] as string[];
        return { taskId, runId, ...this.#replyOfTask(path, { reason }) };
      } catch (error) {
        return { taskId, runId, error: refusalIn(error) };
      }
    });
    return { reports: answers };
  }

  #quarantine(body: Json): Json {
    this.quarantines.push(String(body.quarantineInfo));
    return {};
  }

  #findIndexed(namespace: string): Json {
    const taskId = this.indexed.get(namespace);
    if (!taskId) throw new Refusal(404, 'There is no task at this path.');
    return { namespace, taskId, rank: 0, data: {}, expires: new Date(Date.now() + 3_600_000).toJSON() };
  }

  async #poll(body: Json, request: IncomingMessage): Promise<Json> {
    if ((body.tasks as number) > 32) throw new Refusal(400, 'More tasks than are handed out at once.');
    this.polls.now++;
    this.polls.most = Math.max(this.polls.most, this.polls.now);
    try {
      return await this.#claimWork(body, request);
    } finally {
      this.polls.now--;
    }
  }

  async #claimWork(body: Json, request: IncomingMessage): Promise<Json> {
    let isTimeUp = false;
    const timeIsUp = pause(this.#pollMs).then(() => {
      isTimeUp = true;
    });
    for (;;) {
      // A worker that was killed must be given nothing: its claim would never end.
      if (request.socket.destroyed || request.socket.readableEnded) return { tasks: [] };
      const pending = this.pending();
      if (pending.length > 0 || isTimeUp)
        return { tasks: pending.slice(0, body.tasks as number).map((task) => this.claim(task, body)) };
      await Promise.race([timeIsUp, this.nextChange()]);
    }
  }
}

/** Starts a queue of tests on a free port. */
export const startFakeQueue = async (options: FakeQueueOptions = {}): Promise<FakeQueue> => {
  const queue = new FakeQueue(options);
  await queue.listen();
  return queue;
};

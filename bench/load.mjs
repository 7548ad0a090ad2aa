// Sends requests to a platform, a given number at a time.
import { bodyOf, jsonOf, openConnection, requestsTo } from './http.mjs';
import { latencies, measure } from './meters.mjs';
import { aReference, aTask, slugid } from './tasks.mjs';

const queuePath = '/api/queue/v1';

/** The requests that rows send, signed with the root credentials unless others are given. */
const requestMakers = ({ rootUrl, credentials }) => {
  const request = requestsTo(rootUrl);
  const get = (path) => request('GET', `${queuePath}${path}`, { credentials });
  const post = (path, body, by = credentials) =>
    request('POST', `${queuePath}${path}`, { body, credentials: by });
  return {
    ping: () => request('GET', `${queuePath}/ping`),
    create: (taskQueueId, { taskId = slugid(), ...more } = {}) =>
      request('PUT', `${queuePath}/task/${taskId}`, { body: aTask(taskQueueId, more), credentials }),
    createGraph: (taskGroupId, tasks) => post(`/task-group/${taskGroupId}/tasks`, { tasks }),
    claim: (taskQueueId, tasks, workerId = 'w0') =>
      post(`/claim-work/${taskQueueId}`, { tasks, workerGroup: 'bench', workerId }),
    reclaim: ({ status, runId, credentials: by }) =>
      post(`/task/${status.taskId}/runs/${runId}/reclaim`, undefined, by),
    addArtifact: ({ status, runId, credentials: by }) =>
      post(`/task/${status.taskId}/runs/${runId}/artifacts/public%2Flogs%2Flive.log`, aReference(), by),
    complete: ({ status, runId, credentials: by }) =>
      post(`/task/${status.taskId}/runs/${runId}/completed`, undefined, by),
    completeAll: (taskQueueId, claims) =>
      post(`/report-runs/${taskQueueId}`, {
        reports: claims.map(({ status: { taskId }, runId, credentials: by }) => {
          const path = `${queuePath}/task/${taskId}/runs/${runId}/completed`;
          return { taskId, runId, state: 'completed', authorization: request.signature('POST', path, by) };
        }),
      }),
    status: (taskId) => get(`/task/${taskId}/status`),
    task: (taskId) => get(`/task/${taskId}`),
    counts: (taskQueueId) => get(`/task-queues/${taskQueueId}/counts`),
    group: (taskGroupId, token) =>
      get(`/task-group/${taskGroupId}/list${token ? `?continuationToken=${encodeURIComponent(token)}` : ''}`),
  };
};

/** `make(0)` … `make(count - 1)`. */
export const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** What rows need to put load on a platform. */
export const loadOn = (platform) => {
  const requests = requestMakers(platform);
  const open = (count) => times(count, () => openConnection(platform.rootUrl));

  /** Runs `each(connection, index)` on this many connections at once until it has been called for every index. */
  const spread = async (count, { at: concurrency, each }) => {
    const connections = open(concurrency);
    let next = 0;
    await Promise.all(
      connections.map(async (connection) => {
        while (next < count) await each(connection, next++);
      }),
    );
    for (const connection of connections) connection.close();
  };

  /** Sends requests that were made and signed before. */
  const send = (prepared, concurrency, latency = latencies()) =>
    spread(prepared.length, {
      at: concurrency,
      each: async (connection, i) => bodyOf(await latency.time(() => connection.exchange(prepared[i]))),
    });

  /** Measures how fast requests of one kind are answered. */
  const rateOf = async (prepared, concurrency) => {
    const latency = latencies();
    const measured = await measure(platform.pids, async () => {
      await send(prepared, concurrency, latency);
      return prepared.length;
    });
    return { value: measured.rate, p50: latency.p50(), p99: latency.p99(), cpuPer1000: measured.cpuPer1000 };
  };

  /** Sends one request on its own connection and returns the JSON of the reply. */
  const ask = async (request) => {
    const [connection] = open(1);
    try {
      return jsonOf(await connection.exchange(request));
    } finally {
      connection.close();
    }
  };

  /** Puts tasks of one group into a task queue. */
  const fill = (taskQueueId, count, taskGroupId = slugid()) =>
    send(
      times(count, () => requests.create(taskQueueId, { taskGroupId })),
      32,
    );

  return { ...platform, requests, open, spread, send, rateOf, ask, fill };
};

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Domains } from '../app.ts';
import type { Clock, Count, Database, Metrics, Observe, ObserveBatch, Reading } from '../base/index.ts';
import type { CredentialsOutcome, ObserveCall } from '../http/index.ts';

const latencySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const waitSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400];
const batchItems = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Measures of events, which the domains report. */
export const observers = (metrics: Metrics) => {
  const requests = metrics.histogram({
    name: 'taskyard_request_duration_seconds',
    help: 'Time from the body of a request to its reply, by method and class of status; claimWork waits on purpose.',
    labels: ['service', 'method', 'status'],
    buckets: latencySeconds,
  });
  const items = metrics.histogram({
    name: 'taskyard_batch_items',
    help: 'Calls that went together as one transaction or one reading statement, by verb.',
    labels: ['verb'],
    buckets: batchItems,
  });
  const durations = metrics.histogram({
    name: 'taskyard_batch_duration_seconds',
    help: 'Time that such a batch took, its commit included, by verb.',
    labels: ['verb'],
    buckets: latencySeconds,
  });
  const observeClaim = metrics.histogram({
    name: 'taskyard_claim_latency_seconds',
    help: 'Time for which a run was pending before a worker claimed it.',
    buckets: waitSeconds,
  })();
  const itemsOf = remembered(items);
  const durationsOf = remembered(durations);
  const observeBatch: ObserveBatch = (verb, batch) => {
    itemsOf(verb)(batch.items);
    durationsOf(verb)(batch.seconds);
  };
  const watchMethod = (service: string, method: string): ObserveCall => {
    const of = remembered((status) => requests(service, method, status));
    return (status, seconds) => of(statusClasses[Math.floor(status / 100)] ?? 'other')(seconds);
  };
  return {
    observeBatch,
    observeClaim,
    observeEnd: observeEnds(metrics),
    observeCredentials: observeCredentials(metrics),
    watchMethod,
  };
};

/** A process counts runs of so many task queues by name: Prometheus keeps every one for long, and callers choose the names. */
const queuesNamed = 200;

const observeEnds = (metrics: Metrics): ((run: { taskQueueId: string; reason: string }) => void) => {
  const count = metrics.counter({
    name: 'taskyard_runs_ended_total',
    help: `Runs that have ended, by the reason, and by task queue for the first ${queuesNamed} of them.`,
    labels: ['task_queue_id', 'reason'],
  });
  const named = new Set<string>();
  return ({ taskQueueId, reason }) => {
    if (named.size < queuesNamed) named.add(taskQueueId);
    count(named.has(taskQueueId) ? taskQueueId : 'others', reason)();
  };
};

const observeCredentials = (metrics: Metrics): ((outcome: CredentialsOutcome) => void) => {
  const count = metrics.counter({
    name: 'taskyard_credentials_total',
    help: 'Requests to methods that need scopes, by what became of their credentials.',
    labels: ['outcome'],
  });
  const counts: Readonly<Record<CredentialsOutcome, Count>> = {
    accepted: count('accepted'),
    refused: count('refused'),
    none: count('none'),
  };
  return (outcome) => counts[outcome]();
};

const statusClasses = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'];

const remembered = (make: (label: string) => Observe): ((label: string) => Observe) => {
  const made = new Map<string, Observe>();
  return (label) => {
    let observe = made.get(label);
    if (!observe) {
      observe = make(label);
      made.set(label, observe);
    }
    return observe;
  };
};

interface ProcessParts {
  readonly db: Database;
  readonly relayDb: Database | undefined;
  readonly domains: Domains;
}

const measureTunnels = (metrics: Metrics, { measures }: Domains['tunnels']): void => {
  metrics.gauge(
    { name: 'taskyard_tunnels', help: 'Workers whose tunnel this process holds, to show live logs.' },
    measures.tunnels,
  );
  metrics.gauge(
    { name: 'taskyard_tunnel_viewers', help: 'Readers of live logs that are being answered.' },
    measures.viewers,
  );
  metrics.gauge(
    { name: 'taskyard_tunnels_ended_total', help: 'Tunnels that have ended, by reason.', labels: ['reason'] },
    measures.ended,
  );
  metrics.gauge(
    {
      name: 'taskyard_tunnel_replies_total',
      help: 'Replies to readers of live logs, by HTTP status.',
      labels: ['status'],
    },
    measures.replies,
  );
  metrics.gauge(
    { name: 'taskyard_tunnel_sent_bytes_total', help: 'Bytes of live logs that readers were sent.' },
    measures.bytesSent,
  );
};

/** Measures of each process. */
export const measureProcess = (metrics: Metrics, parts: ProcessParts): void => {
  const { db, relayDb } = parts;
  const { queue, events, notify, tunnels } = parts.domains;
  measureTunnels(metrics, tunnels);
  metrics.gauge(
    {
      name: 'taskyard_database_connections',
      help: 'Connections to the database, in use and idle, by pool.',
      labels: ['pool', 'state'],
    },
    () => [...poolUse('main', db), ...(relayDb ? poolUse('relay', relayDb) : [])],
  );
  metrics.gauge(
    {
      name: 'taskyard_database_waiting',
      help: 'Statements and transactions that wait for a connection of the main pool.',
    },
    () => db.poolUse().waiting,
  );
  metrics.gauge({ name: 'taskyard_event_followers', help: 'Open event streams.' }, events.verbs.followers);
  metrics.gauge(
    { name: 'taskyard_claim_work_waiting', help: 'Calls of claimWork that wait for something to do.' },
    queue.verbs.waitingForWork,
  );
  metrics.gauge(
    {
      name: 'taskyard_notifications_total',
      help: 'Notifications, by type and by what became of them: at their acceptance, and on their way out.',
      labels: ['type', 'fate'],
    },
    notify.readings,
  );
};

const poolUse = (pool: string, db: Database): Reading[] => {
  const { total, idle } = db.poolUse();
  return [
    { labels: [pool, 'used'], value: total - idle },
    { labels: [pool, 'idle'], value: idle },
  ];
};

interface DeploymentParts {
  readonly clock: Clock;
  readonly domains: Domains;
}

/** Measures of the whole deployment, read from the database at each scrape by statements with a bounded cost. */
export const measureDeployment = (metrics: Metrics, { clock, domains }: DeploymentParts): void => {
  const { queue, events, workerManager } = domains;
  const counts = sharedBriefly(clock, () => queue.verbs.countQueues());
  const byQueue = (name: string, help: string, read: (of: Counts) => number | null) =>
    metrics.gauge({ name, help, labels: ['task_queue_id'] }, async () =>
      (await counts()).flatMap((row) => {
        const value = read(row);
        return value === null ? [] : [{ labels: [row.taskQueueId], value }];
      }),
    );
  byQueue('taskyard_pending_tasks', 'Runs that wait for a worker, by task queue.', (row) => row.pending);
  byQueue('taskyard_claimed_tasks', 'Runs that a worker holds, by task queue.', (row) => row.claimed);
  byQueue(
    'taskyard_pending_age_seconds',
    'For how long the run has waited that has waited longest, by task queue.',
    ({ oldestPosition }) =>
      oldestPosition === null ? null : Math.max(0, clock.now().getTime() / 1000 - oldestPosition / 1e6),
  );
  byQueue(
    'taskyard_last_claim_timestamp_seconds',
    'When the latest of the runs that are held was claimed, by task queue.',
    ({ lastClaim }) => (lastClaim === null ? null : lastClaim.getTime() / 1000),
  );
  measureSubscriptions(metrics, clock, events.verbs);
  measureDemand(metrics, clock, workerManager.verbs);
  measurePools(metrics, clock, workerManager.verbs);
  const { readLag } = events.verbs;
  if (!readLag) return;
  const lag = sharedBriefly(clock, readLag);
  metrics.gauge(
    { name: 'taskyard_outbox_messages', help: 'Messages that wait for RabbitMQ, counted up to 100,000.' },
    async () => (await lag()).messages,
  );
  metrics.gauge(
    { name: 'taskyard_outbox_lag_seconds', help: 'Age of the oldest message that waits for RabbitMQ.' },
    async () => {
      const { oldestAt } = await lag();
      return oldestAt ? Math.max(0, clock.now().getTime() - oldestAt.getTime()) / 1000 : 0;
    },
  );
  metrics.gauge(
    { name: 'taskyard_outbox_skipped_total', help: 'Messages that RabbitMQ would not take, ever.' },
    async () => (await lag()).skipped,
  );
};

const measurePools = (
  metrics: Metrics,
  clock: Clock,
  { countPools, countDecisions }: Domains['workerManager']['verbs'],
): void => {
  const counts = sharedBriefly(clock, countPools);
  const labels = ['worker_pool_id', 'state'];
  const byState = (name: string, help: string, field: 'count' | 'capacity') =>
    metrics.gauge({ name, help, labels }, async () =>
      (await counts()).map((row) => ({ labels: [row.workerPoolId, row.state], value: row[field] })),
    );
  byState('taskyard_pool_workers', 'Workers that are not stopped, by worker pool and state.', 'count');
  byState('taskyard_pool_capacity', 'What they can run at once, by worker pool and state.', 'capacity');
  metrics.gauge(
    {
      name: 'taskyard_pool_decisions',
      help: 'What was decided about worker pools in the last hour, by pool and action.',
      labels: ['worker_pool_id', 'action'],
    },
    async () =>
      (await countDecisions()).map((row) => ({ labels: [row.workerPoolId, row.action], value: row.count })),
  );
};

/** What pools want, have to spare, cost and suffer. */
const measureDemand = (
  metrics: Metrics,
  clock: Clock,
  { measurePools: read }: Domains['workerManager']['verbs'],
): void => {
  const measures = sharedBriefly(clock, read);
  const byPool = (name: string, help: string, field: 'wanted' | 'idle' | 'usdPerHour') =>
    metrics.gauge({ name, help, labels: ['worker_pool_id'] }, async () =>
      (await measures()).figures.map((row) => ({ labels: [row.workerPoolId], value: row[field] })),
    );
  byPool(
    'taskyard_pool_wanted_capacity',
    'Capacity that worker pools are to have, between their least and their most.',
    'wanted',
  );
  byPool('taskyard_pool_idle_capacity', 'Places of running workers that are free, by worker pool.', 'idle');
  byPool('taskyard_pool_usd_per_hour', 'What the workers of known price cost, by worker pool.', 'usdPerHour');
  metrics.gauge(
    {
      name: 'taskyard_pool_errors',
      help: 'Errors of worker pools in the last hour, by pool and kind.',
      labels: ['worker_pool_id', 'kind'],
    },
    async () =>
      (await measures()).errors.map((row) => ({ labels: [row.workerPoolId, row.kind], value: row.count })),
  );
  metrics.gauge(
    {
      name: 'taskyard_pool_short_lives',
      help: 'Workers that registered and were gone within two minutes of their order, in the last hour, by pool.',
      labels: ['worker_pool_id'],
    },
    async () =>
      (await measures()).shortLives.map((row) => ({ labels: [row.workerPoolId], value: row.count })),
  );
  metrics.gauge(
    {
      name: 'taskyard_pool_boot_seconds',
      help: 'From the order of a worker to its registration, in the last day, by launch config.',
      labels: ['worker_pool_id', 'launch_config_id', 'quantile'],
    },
    async () =>
      (await measures()).boots.flatMap(({ workerPoolId, launchConfigId, bootP50Ms, bootP95Ms }) => [
        { labels: [workerPoolId, launchConfigId, '0.5'], value: bootP50Ms / 1000 },
        { labels: [workerPoolId, launchConfigId, '0.95'], value: bootP95Ms / 1000 },
      ]),
  );
};

const measureSubscriptions = (metrics: Metrics, clock: Clock, events: Domains['events']['verbs']): void => {
  const states = sharedBriefly(clock, events.readSubscriptions);
  const labels = ['subscription'];
  metrics.gauge(
    {
      name: 'taskyard_subscription_lag_seconds',
      help: 'Age of the oldest message that a service of the platform has not looked at, by subscription.',
      labels,
    },
    async () =>
      (await states()).map(({ name, oldestAt }) => ({
        labels: [name],
        value: oldestAt ? Math.max(0, clock.now().getTime() - oldestAt.getTime()) / 1000 : 0,
      })),
  );
  metrics.gauge(
    {
      name: 'taskyard_subscription_skipped_total',
      help: 'Messages that a service of the platform gave up since handling them failed, ever, by subscription.',
      labels,
    },
    async () => (await states()).map(({ name, skipped }) => ({ labels: [name], value: skipped })),
  );
};

type Counts = Awaited<ReturnType<Domains['queue']['verbs']['countQueues']>>[number];

/**
 * Shares a statement between the metrics of a scrape, and between scrapes within a second. While it runs no second one is
 * started, however long it takes.
 */
const sharedBriefly = <T>(clock: Clock, read: () => Promise<T>): (() => Promise<T>) => {
  let latest: Promise<T> | undefined;
  let readAt = Number.POSITIVE_INFINITY;
  return () => {
    if (!latest || clock.now().getTime() - readAt > 1000) {
      readAt = Number.POSITIVE_INFINITY;
      latest = read().finally(() => {
        readAt = clock.now().getTime();
      });
    }
    return latest;
  };
};

/** Measures of the operating system about this process. */
export const measureRuntime = (metrics: Metrics): void => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const loopDelay = (): Reading[] => {
    const readings = [50, 99].map((percentile) => ({
      labels: [String(percentile / 100)],
      // The histogram includes its own resolution of ten milliseconds.
      value: Math.max(0, delay.percentile(percentile) / 1e9 - 0.01),
    }));
    delay.reset();
    return readings;
  };
  metrics.gauge(
    {
      name: 'taskyard_event_loop_delay_seconds',
      help: 'How late the event loop was since the last scrape, by quantile.',
      labels: ['quantile'],
    },
    loopDelay,
  );
  metrics.gauge(
    { name: 'process_cpu_seconds_total', help: 'Processor time that the process has used.' },
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  );
  metrics.gauge({ name: 'process_resident_memory_bytes', help: 'Memory that the process holds.' }, () =>
    process.memoryUsage.rss(),
  );
  metrics.gauge(
    { name: 'process_heap_bytes', help: "Memory in use by the program's objects." },
    () => process.memoryUsage().heapUsed,
  );
  const startedAt = (performance.timeOrigin / 1000).toFixed(3);
  metrics.gauge(
    { name: 'process_start_time_seconds', help: 'When the process started, in seconds since 1970.' },
    () => Number(startedAt),
  );
};

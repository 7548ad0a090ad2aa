// Calls of the server's store functions, as a batch of 16 under load makes them.
import { slugid } from './tasks.mjs';

const dist = '../packages/server/dist';
const [queue, scheduler, events, views] = await Promise.all(
  ['queue/store/index.js', 'scheduler/store.js', 'events/store.js', 'views/store/index.js'].map(
    (path) => import(`${dist}/${path}`),
  ),
);

const { Heads } = await import(`${dist}/queue/claiming/heads.js`);

const batchSize = 16;
const times = (make) => Array.from({ length: batchSize }, (_, i) => make(i));

const newRecord = (queueNames, taskGroupId, now) => (i) => ({
  taskId: slugid(),
  taskQueueId: queueNames[i % queueNames.length],
  schedulerId: 'bench',
  projectId: 'none',
  taskGroupId,
  deadline: new Date(now.getTime() + 86_400_000),
  expires: new Date(now.getTime() + 3 * 86_400_000),
  retries: 5,
  tags: '{"kind":"bench"}',
  routes: [],
  priority: 4,
  retriesLeft: 5,
  position: now.getTime() * 1000 + i,
  runs: [{ runId: 0, state: 'pending', reasonCreated: 'scheduled', scheduled: now.toJSON() }],
});

const completed = (record, now) => ({
  ...record,
  runs: record.runs.map((run) => ({
    ...run,
    state: 'completed',
    reasonResolved: 'completed',
    resolved: now.toJSON(),
  })),
});

/** Some running tasks, with their records. */
const runningTasks = async (db) => {
  const rows = await db`select task_id from claims limit ${batchSize}`;
  return queue.readRecords(
    db,
    rows.map((row) => row.taskId),
  );
};

const messagesFor = (records) => ({
  exchanges: records.map(() => 'exchange/taskcluster-queue/v1/task-pending'),
  routingKeys: records.map(({ taskId }) => `primary.${taskId}.0._._.bench.explain.bench._._`),
  routes: records.map(() => '[]'),
  payloads: records.map((record) => JSON.stringify({ status: record, version: 1 })),
});

const resolutions = (records) => ({
  taskIds: records.map(({ taskId }) => taskId),
  runIds: records.map(() => 0),
  completed: records.map(() => true),
  completedBefore: records.map(() => -1),
  resolvedBefore: records.map(() => -1),
});

/** What pages of a group of 2,000 tasks and of a pending task read. */
const ofPages = ({ taskGroupId, taskQueueId, now }) => ({
  'page of a group: readSelected': (tx) =>
    views.readSelected(
      tx,
      { taskGroupId, states: ['running', 'completed', 'pending'], patterns: ['%bench%'], sort: 'name' },
      { after: { number: -1, text: '', name: '', taskId: '' }, limit: 1001 },
    ),
  'page of a group: countSelected': (tx) => views.countSelected(tx, taskGroupId, ['%bench%']),
  'why: countStarts': (tx) =>
    views.countStarts(tx, {
      taskQueueId,
      notBefore: new Date(now.getTime() - 1_800_000),
      messagesMax: 20_000,
    }),
});

/** The statements of claim, resolve and create, and of pages: `(tx) => …` by name. */
export const statementsFor = async (db, queueNames) => {
  const now = new Date();
  const running = await runningTasks(db);
  const ids = running.map(({ taskId }) => taskId);
  const groups = [...new Set(running.map(({ taskGroupId }) => taskGroupId))];
  const [taskGroupId = ''] = groups;
  const fresh = times(newRecord(queueNames, taskGroupId, now));
  const place = (record) => ({ ...record, runId: 0 });
  const waiting = await db`select task_queue_id, priority, position, task_id from pending limit ${batchSize}`;
  const heads = new Heads();
  const wanted = (taskQueueId, count) => ({ taskQueueId, count, parts: heads.partsOf(taskQueueId) });
  const many = queueNames.map((taskQueueId) => wanted(taskQueueId, 4));
  const claim = (record) => ({
    ...place(record),
    taskId: slugid(),
    workerGroup: 'bench',
    workerId: 'w1',
    claimedAt: now,
    takenUntil: now,
  });
  return {
    'claim: takePending, 1 of one queue': (tx) => queue.takePending(tx, [wanted(queueNames[0], 1)], now),
    'claim: takePending, 32 of 8 queues': (tx) => queue.takePending(tx, many, now),
    'claim: insertClaims': (tx) => queue.insertClaims(tx, running.map(claim)),
    'claim: findHeads, 8 queues': (tx) =>
      queue.findHeads(
        tx,
        many.flatMap(({ parts }) => parts),
        now,
      ),
    'resolve: lockRecords': (tx) => queue.lockRecords(tx, ids),
    'claim, resolve: saveRecords': (tx) =>
      queue.saveRecords(
        tx,
        running.map((record) => completed(record, now)),
      ),
    'resolve: newlySatisfied': (tx) => scheduler.newlySatisfied(tx, resolutions(running), 501),
    'resolve: shrinkGroups': (tx) =>
      queue.shrinkGroups(
        tx,
        groups,
        groups.map(() => batchSize),
      ),
    'cancel: deletePending': (tx) => queue.deletePending(tx, waiting),
    'resolve: deleteClaims': (tx) => queue.deleteClaims(tx, ids),
    'create: insertTasks': (tx) =>
      queue.insertTasks(
        tx,
        fresh.map((record) => ({
          record,
          stored: JSON.stringify({ payload: 'x'.repeat(1000) }),
          definition: { metadata: { name: 'bench' } },
        })),
      ),
    'create: insertPending': (tx) => queue.insertPending(tx, fresh.map(place)),
    'create: growGroups': (tx) => queue.growGroups(tx, [{ taskGroupId, tasks: batchSize, expires: now }]),
    'all: insertMessages': (tx) => events.insertMessages(tx, messagesFor(fresh), now),
    ...ofPages({ taskGroupId, taskQueueId: queueNames[0], now }),
  };
};

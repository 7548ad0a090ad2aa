import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import taskcluster from 'taskcluster-client';
import apis from 'taskcluster-client/src/apis.js';

/** The platform that we visit, and root's credentials for it, from the variables that all clients know. */
export const site = taskcluster.fromEnvVars();

/** Each service, with the names of its methods that nobody has called yet. */
const uncalled = new Map(
  Object.entries(apis)
    .filter(([name]) => !name.endsWith('Events'))
    .map(([name, { reference }]) => [
      name,
      new Set(reference.entries.filter(({ type }) => type === 'function').map((entry) => entry.name)),
    ]),
);

export const serviceNames = [...uncalled.keys()];

/** A client of the package, which notes which of its methods are called. */
export const clientOf = (service, options = {}) => {
  const client = new taskcluster[service]({ ...site, ...options });
  return new Proxy(client, {
    get: (target, name) => {
      const value = target[name];
      // Methods carry what URLs are built of, so only calls of those that are API methods are noted.
      if (!value?.entryReference) return value;
      return Object.assign(
        (...args) => {
          uncalled.get(service).delete(name);
          return value.apply(target, args);
        },
        { entryReference: value.entryReference },
      );
    },
  });
};

/** `service.method` of what was never called. */
export const methodsNotCalled = () =>
  [...uncalled].flatMap(([service, names]) => [...names].map((name) => `${service}.${name}`));

/** The code with which the platform refuses a call. */
export const refusal = async (call) => {
  const answer = await call.then(
    () => 'no refusal',
    (error) => error,
  );
  assert.ok(answer instanceof Error && answer.statusCode, `The call was not refused: ${answer}`);
  return `${answer.statusCode} ${answer.code}`;
};

/** What a listing names on all of its pages, which hold one entry each. */
export const allPages = async (list, key) => {
  const found = [];
  let query = { limit: 1 };
  do {
    const page = await list(query);
    assert.ok(page[key].length <= 1, 'a page holds more than was asked for');
    found.push(...page[key]);
    query = { limit: 1, continuationToken: page.continuationToken };
  } while (query.continuationToken);
  return found;
};

/** Asks again until the answer is there; what follows from messages is there some moments later. */
export const eventually = async (ask) => {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 300) throw error;
    }
    await sleep(50);
  }
};

/** A definition of a task that is due within the hour. */
export const aTask = (taskQueueId, more = {}) => ({
  taskQueueId,
  created: taskcluster.fromNowJSON(),
  deadline: taskcluster.fromNowJSON('1 hour'),
  expires: taskcluster.fromNowJSON('1 day'),
  payload: { command: ['true'] },
  metadata: {
    name: 'a task',
    description: "Driven by the original's own client",
    owner: 'nobody@example.com',
    source: 'https://example.com/',
  },
  ...more,
});

/** Claims the next task of a queue and waits for it if there is none yet. */
export const claimOne = async (taskQueueId, queue = clientOf('Queue')) => {
  const { tasks } = await queue.claimWork(taskQueueId, { workerGroup: 'node', workerId: 'one', tasks: 1 });
  assert.equal(tasks.length, 1, `nothing to claim in ${taskQueueId}`);
  return { ...tasks[0], worker: clientOf('Queue', { credentials: tasks[0].credentials }) };
};

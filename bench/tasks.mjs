// What the rows send: tasks as workers of containers get them, with about 1 kB of payload.
import { randomBytes } from 'node:crypto';

/** A random version 4 UUID in URL-safe base64 that does not begin with a dash. */
export const slugid = () => {
  const bytes = randomBytes(16);
  bytes[0] &= 0x7f;
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('base64url');
};

const inDays = (days) => new Date(Date.now() + days * 86_400_000).toJSON();
const filler = 'x'.repeat(64);
const env = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`BENCH_VARIABLE_${i}`, filler]));

/** A request for a task on a task queue. */
export const aTask = (taskQueueId, more = {}) => ({
  taskQueueId,
  schedulerId: 'bench',
  created: inDays(0),
  deadline: inDays(1),
  expires: inDays(3),
  retries: 5,
  priority: 'low',
  scopes: [],
  routes: [],
  dependencies: [],
  tags: { kind: 'bench' },
  payload: {
    image: 'taskyard/bench:1.0',
    maxRunTime: 3600,
    command: ['/bin/bash', '-c', `echo ${filler}; sleep 1; echo ${filler}`],
    env,
    artifacts: [{ type: 'file', name: 'public/log.txt', path: '/tmp/log.txt' }],
  },
  metadata: {
    name: 'bench task',
    description: 'a task of the load generator',
    owner: 'bench@example.com',
    source: 'https://example.com/bench',
  },
  ...more,
});

/** An artifact whose content is elsewhere. */
export const aReference = () => ({
  storageType: 'reference',
  expires: inDays(2),
  url: 'https://example.com/log.txt',
  contentType: 'text/plain',
});

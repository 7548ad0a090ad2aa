import { setTimeout as sleep } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';
import { addSingly, measureStarts, payload, secondsSince, serve } from './protocol.mjs';

const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, max: 16, useListenNotify: true });
// Connections of a database that is being stopped break.
boss.on('error', () => {});
let hear = () => {};

/** Fetches and completes this many jobs of a queue, in this many loops, each by sets of this size; `idle` when nothing was there. */
const drain = async (queue, { count, loops, size, idle }) => {
  let done = 0;
  const loop = async () => {
    while (done < count) {
      const jobs = await boss.fetch(queue, { batchSize: size });
      if (jobs.length === 0) {
        await idle();
        continue;
      }
      await boss.complete(
        queue,
        jobs.map(({ id }) => id),
      );
      done += jobs.length;
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
  return done;
};

const workOptions = { single: { loops: 16, size: 1 }, batch: { loops: 4, size: 500 } };

serve({
  setup: async () => {
    await boss.start();
    await boss.createQueue('noop');
    await boss.createQueue('flow');
    await boss.createQueue('woken', { notify: true });
  },
  add: (wanted) => addSingly(wanted, () => boss.send('noop', payload)),
  addAll: async ({ count }) => {
    const jobs = Array.from({ length: count }, () => ({ data: payload }));
    const started = performance.now();
    await boss.insert('noop', jobs);
    return { count, seconds: secondsSince(started) };
  },
  work: async ({ mode, count }) => {
    const started = performance.now();
    const done = await drain('noop', { count, ...workOptions[mode], idle: () => sleep(1) });
    return { count: done, seconds: secondsSince(started) };
  },
  wait: async () => {
    await boss.work('woken', { batchSize: 1 }, async () => hear());
    await sleep(500);
  },
  starts: (wanted) =>
    measureStarts(wanted, async (began) => {
      hear = began;
      await boss.send('woken', payload);
    }),
  rest: () => boss.offWork('woken'),
  fanOut: async ({ count }) => {
    const job = (ref, dependsOn) => ({
      ref,
      name: 'flow',
      data: payload,
      ...(dependsOn ? { dependsOn } : {}),
    });
    const middle = Array.from({ length: count }, (_, i) => `middle-${i}`);
    const jobs = [job('first'), ...middle.map((ref) => job(ref, ['first'])), job('last', middle)];
    const started = performance.now();
    await boss.flow(jobs);
    // What waits for others is released by a loop of the library; this is the call that it makes.
    const release = async () => {
      await boss.resolveFlow();
      await sleep(5);
    };
    const done = await drain('flow', { count: jobs.length, loops: 4, size: 500, idle: release });
    return { count: done, seconds: secondsSince(started) };
  },
});

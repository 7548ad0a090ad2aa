// What adapters share: a request is a line of JSON on stdin, its answer a line on stdout that begins with "@@".
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a job carries, about as much as a task. */
export const payload = { data: 'x'.repeat(1000) };

/** Seconds since `started`, which `performance.now()` gave. */
export const secondsSince = (started) => (performance.now() - started) / 1000;

const percentiles = (values) => {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
};

/** Calls `add` this many times, by this many callers at once. */
export const addSingly = async ({ callers, count }, add) => {
  const latencies = [];
  let next = 0;
  const started = performance.now();
  const call = async () => {
    while (next < count) {
      const i = next++;
      const sent = performance.now();
      await add(i);
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return { count, seconds: secondsSince(started), ...percentiles(latencies) };
};

/** Adds jobs with pauses, so that each finds a waiting worker; `add(began)` hands on what its job is to call. */
export const measureStarts = async ({ count }, add) => {
  const latencies = [];
  for (let i = 0; i < count; i++) {
    const sent = performance.now();
    const { promise, resolve } = withResolver();
    await add(resolve);
    latencies.push((await promise) - sent);
    await sleep(30 + Math.random() * 40);
  }
  return { count, ...percentiles(latencies) };
};

const withResolver = () => {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = () => settle(performance.now());
  });
  return { promise, resolve };
};

/** Asks every few milliseconds until it is so. */
export const until = async (isSo) => {
  while (!(await isSo())) await sleep(3);
};

/** Answers requests by the handler of their name until stdin ends. What has no handler is not applicable. */
export const serve = (handlers) => {
  const answer = async ({ what, ...more }) => {
    if (!handlers[what]) return { isMissing: true };
    return (await handlers[what](more)) ?? {};
  };
  let last = Promise.resolve();
  createInterface(process.stdin)
    .on('line', (line) => {
      last = last
        .then(() => answer(JSON.parse(line)))
        .catch((error) => ({ error: String(error?.stack ?? error).slice(0, 600) }))
        .then((said) => process.stdout.write(`@@${JSON.stringify(said)}\n`));
    })
    .on('close', () => process.exit(0));
};

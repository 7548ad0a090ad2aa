import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { requestsTo } from '../http.mjs';
import { slugid } from '../tasks.mjs';

const residentMB = (pid) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Starts one of the processes beside; `stop` returns what it tells at its end. */
const start = async (name, settings) => {
  const program = fileURLToPath(new URL(`../hostile/${name}.mjs`, import.meta.url));
  const child = fork(program, [JSON.stringify(settings)]);
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  await once(child, 'message');
  if (name === 'caller') goFirst([child.pid]);
  return async () => {
    const told = once(child, 'message');
    child.send('end');
    const [message] = await told;
    process.off('exit', end);
    return message;
  };
};

/** Attackers sit on other machines. Here they share the cores with what they attack, and go after it where that is allowed. */
const goFirst = (pids) => {
  try {
    for (const pid of pids) setPriority(pid, -15);
    return true;
  } catch {
    return false;
  }
};

const atFraction = (times, fraction) =>
  times.sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * fraction))];

/** A client that is known to the server, and may do nothing. */
const aStranger = async ({ rootUrl, credentials, ask }) => {
  const clientId = `bench/nobody-${slugid()}`;
  const body = {
    description: '',
    scopes: ['nothing:*'],
    expires: new Date(Date.now() + 3_600_000).toJSON(),
  };
  const path = `/api/auth/v1/clients/${encodeURIComponent(clientId)}`;
  const { accessToken } = await ask(requestsTo(rootUrl)('PUT', path, { body, credentials }));
  return { clientId, accessToken };
};

/** What a caller sees, and the server holds at most, while `attackers` do their worst. */
const watch = async ({ rootUrl, credentials, pids, path, seconds, attackers }) => {
  const stopCaller = await start('caller', { rootUrl, credentials, path });
  const stops = await Promise.all(attackers.map((one) => start('attack', { rootUrl, ...one })));
  let memory = 0;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(100)) {
    memory = Math.max(memory, residentMB(pids.server));
  }
  const times = await stopCaller();
  const sent = await Promise.all(stops.map((stop) => stop()));
  const count = sent.flatMap((each) => Object.values(each)).reduce((sum, each) => sum + each, 0);
  return { memory, times, longest: Math.max(...times), p99: atFraction(times, 0.99), count, sent };
};

/**
 * Another caller's longest wait, and the memory that the server takes more, while a caller without credentials and one
 * without scopes do their worst for a minute; beside the longest wait of the quarter of a minute before.
 */
const hostile = async (load, { share }) => {
  const { rootUrl, requests, ask } = load;
  const [taskId, stranger] = [slugid(), await aStranger(load)];
  await ask(requests.create('bench/hostile', { taskId }));
  const path = `/api/queue/v1/task/${taskId}/status`;
  const isFirst = goFirst(Object.values(load.pids));
  const common = { ...load, path };
  // The memory of a process that has just started grows with any calls.
  const quiet = await watch({ ...common, seconds: 15, attackers: [] });
  const before = residentMB(load.pids.server);
  const attackers = [
    { kind: 'unsigned', connections: 4 },
    { kind: 'unauthorised', connections: 4, credentials: stranger },
  ];
  const worst = await watch({ ...common, rootUrl, seconds: 60 * share, attackers });
  const more = worst.memory - before;
  const note =
    `${worst.count} hostile requests; ${more.toFixed(0)} MB more than ${before.toFixed(0)}; ` +
    `without them the longest wait was ${quiet.longest.toFixed(0)} ms, p99 ${quiet.p99.toFixed(1)} ms` +
    (isFirst ? '' : '; as root the server would go before its attackers');
  return { value: worst.longest, p50: atFraction(worst.times, 0.5), p99: worst.p99, more, note };
};

export const hostileRows = [
  {
    name: 'hostile',
    title: 'longest wait while strangers do their worst',
    unit: 'ms',
    isTime: true,
    original: '–',
    goal: '≤ 100, ≤ 64 MB more',
    run: hostile,
  },
];

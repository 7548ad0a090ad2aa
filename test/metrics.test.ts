import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { followEvents, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { type Answer, aLine, aTask, type Line, twoLines } from './support/line.ts';
import { scrape, total } from './support/metrics.ts';
import {
  aHome,
  type Home,
  type Platform,
  plainEnvironment,
  readVariables,
  root,
  taskyard,
} from './support/platform.ts';

const taskQueueId = 'example/metrics';
/** They wait for tasks all the time, one of `built-in/succeed` and one of `built-in/fail`. */
const builtInWorkers = 2;
const worker = { workerGroup: 'example', workerId: 'one', tasks: 1 };

const create = async (line: Line): Promise<void> => {
  assert.equal((await line.call('PUT', `queue/v1/task/${slugid()}`, aTask(taskQueueId))).status, 200);
};

const untilIs = (home: Home, name: string, wanted: number) =>
  eventually(
    `${name} to be ${wanted}`,
    async () => total(await scrape(home), name),
    (value) => value === wanted,
  );

/** A panel of a dashboard: a row of others has no targets. */
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Every metric, and every label that it is grouped by, in the dashboard is one of the platform's. */
const assertShowsOnly = (dashboard: string, measured: string): void => {
  const known = new Set([...measured.matchAll(/^# TYPE ([a-z_]+) /gm)].map(([, name]) => name));
  const { panels } = JSON.parse(dashboard) as { readonly panels: readonly Panel[] };
  const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const used = exprs.flatMap((expr) => expr.match(/\b(taskyard|process)_[a-z_]+/g) ?? []);
  assert.ok(used.length > 30, `${used.length}`);
  const unknown = used.filter((name) => !known.has(name.replace(/_(bucket|count|sum)$/, '')));
  assert.deepEqual(unknown, []);
};

/** Runs are counted by what ended them, and requests by their credentials. `claims`: the reply to a `claimWork`. */
const assertCountsEnds = async (platform: Platform, home: Home, claims: Answer): Promise<void> => {
  const other = aLine(platform);
  const [claim] = (claims.body as { tasks: readonly { status: { taskId: string } }[] }).tasks;
  const task = `queue/v1/task/${claim?.status.taskId}`;
  const accepted = total(await scrape(home), 'taskyard_credentials_total', { outcome: 'accepted' });
  await other.call('POST', `${task}/runs/0/exception`, { reason: 'worker-shutdown' });
  for (const time of ['once', 'twice'])
    assert.equal((await other.call('POST', `${task}/cancel`)).status, 200, time);
  other.close();
  for (const headers of [{}, { authorization: 'Hawk id="example", ts="1", nonce="a", mac="b"' }])
    await fetch(new URL(`/api/${task}`, platform.rootUrl), { headers });
  const later = await scrape(home);
  const ended = later.filter(({ name }) => name === 'taskyard_runs_ended_total');
  assert.deepEqual(
    ended.map(({ labels, value }) => [labels.task_queue_id, labels.reason, value]),
    [
      [taskQueueId, 'worker-shutdown', 1],
      [taskQueueId, 'canceled', 1],
    ],
  );
  const outcomes = (outcome: string) => total(later, 'taskyard_credentials_total', { outcome });
  assert.ok(outcomes('accepted') >= accepted + 3, `${outcomes('accepted')}`);
  assert.equal(outcomes('refused'), 1);
  assert.equal(outcomes('none'), 1);
};

describe('metrics', () => {
  it('have an address of their own where one is set, and are served at no other', async (t) => {
    const home = await aHome(t);
    // The broker is away, as one is at times: what waits for it is measured all the same.
    const variables = { METRICS_HOST: '127.0.0.2', WORKER: 'false', AMQP_URL: 'amqp://127.0.0.1:1' };
    const { rootUrl } = await home.start({ METRICS_PORT: '0', ...variables });
    const announced = await readFile(join(home.path, 'server.json'), 'utf8');
    const { metricsUrl } = JSON.parse(announced) as { metricsUrl: string };
    const { hostname, port } = new URL(metricsUrl);
    assert.equal(hostname, '127.0.0.2');
    const measured = await (await fetch(metricsUrl)).text();
    assert.match(measured, /^taskyard_/m);
    assertShowsOnly(await readFile(join(root, 'packaging/grafana/taskyard.json'), 'utf8'), measured);
    for (const path of ['/metrics', '/api/metrics', '/__metrics__'])
      assert.equal((await fetch(new URL(path, rootUrl))).status, 404, path);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/metrics`));
  });

  it('report events and the current state', async (t) => {
    const home = await aHome(t);
    const platform = await home.start({ METRICS_PORT: '0', WORKER: 'false' });
    const line = aLine(platform);
    for (let i = 0; i < 3; i++) await create(line);
    assert.equal((await line.call('GET', `queue/v1/task/${slugid()}/status`)).status, 404);
    const claims = await line.call('POST', `queue/v1/claim-work/${taskQueueId}`, worker);
    const waiting = line.call('POST', 'queue/v1/claim-work/example/empty', worker);
    const reading = new AbortController();
    const stream = followEvents({
      ...platform,
      bindings: [{ exchange: '#', routingKeyPattern: '#' }],
      signal: reading.signal,
    });
    const read = stream.next().catch(() => {});
    await untilIs(home, 'taskyard_event_followers', 1);
    await untilIs(home, 'taskyard_claim_work_waiting', builtInWorkers + 1);
    const samples = await scrape(home);
    const value = (name: string, labels?: Readonly<Record<string, string>>) => total(samples, name, labels);

    const requests = 'taskyard_request_duration_seconds';
    assert.equal(value(`${requests}_count`, { service: 'queue', method: 'createTask', status: '2xx' }), 3);
    assert.equal(value(`${requests}_count`, { method: 'status', status: '4xx' }), 1);
    assert.equal(value(`${requests}_bucket`, { method: 'createTask', le: '+Inf' }), 3);
    assert.ok(value(`${requests}_sum`, { method: 'createTask' }) > 0);
    assert.equal(value('taskyard_batch_items_sum', { verb: 'create-tasks' }), 3);
    assert.ok(value('taskyard_batch_duration_seconds_count', { verb: 'claim-work' }) >= 1);
    assert.equal(value('taskyard_claim_latency_seconds_count'), 1);
    assert.equal(value('taskyard_pending_tasks', { task_queue_id: taskQueueId }), 2);
    assert.equal(value('taskyard_claimed_tasks', { task_queue_id: taskQueueId }), 1);
    const age = value('taskyard_pending_age_seconds', { task_queue_id: taskQueueId });
    assert.ok(age > 0 && age < 60, `${age} s`);
    assert.ok(value('taskyard_database_connections', { pool: 'main' }) >= 1);
    assert.ok(value('process_resident_memory_bytes') > 10_000_000);
    assert.ok(value('process_cpu_seconds_total') > 0);
    assert.ok(Math.abs(value('process_start_time_seconds') - Date.now() / 1000) < 60);
    const page = await readFile(join(root, 'docs/operating/metrics.md'), 'utf8');
    const described = new Set([...page.matchAll(/^\| `([a-z_]+)`/gm)].map(([, name]) => name));
    const families = new Set(samples.map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')));
    assert.deepEqual(
      [...families].filter((name) => !described.has(name)),
      [],
    );
    // Nothing is published to a broker here.
    assert.ok(!samples.some(({ name }) => name.startsWith('taskyard_outbox')));

    // Over another line: the first one is taken by the call that waits.
    await assertCountsEnds(platform, home, claims);

    reading.abort();
    await read;
    await untilIs(home, 'taskyard_event_followers', 0);
    line.close();
    await assert.rejects(waiting);
    await untilIs(home, 'taskyard_claim_work_waiting', builtInWorkers);
  });

  it('tell it of each process', async (t) => {
    const home = await aHome(t);
    const platform = await home.start({ METRICS_PORT: '0', WORKER: 'false', PROCESSES: '2' });
    const lines = await twoLines(platform);
    await create(lines[0]);
    for (const line of lines) await create(line);
    const samples = await scrape(home);
    const created = (labels: Readonly<Record<string, string>>) =>
      total(samples, 'taskyard_request_duration_seconds_count', { method: 'createTask', ...labels });
    assert.deepEqual([created({ process: '1' }), created({ process: '2' })].sort(), [1, 2]);
    const starts = samples.filter(({ name }) => name === 'process_start_time_seconds');
    assert.deepEqual(starts.map(({ labels }) => labels.process).sort(), ['1', '2', 'main']);
    // The database is asked once for all of them.
    const pending = samples.filter(({ name }) => name === 'taskyard_pending_tasks');
    assert.deepEqual(
      pending.map(({ labels, value }) => [labels.task_queue_id, value]),
      [[taskQueueId, 3]],
    );
    for (const line of lines) line.close();
  });

  it('are not there unless they are wanted', async (t) => {
    const home = await aHome(t);
    await home.start({ WORKER: 'false' });
    const announced = JSON.parse(await readFile(join(home.path, 'server.json'), 'utf8')) as object;
    assert.deepEqual(Object.keys(announced).sort(), ['pid', 'url']);
  });
});

/** Starts a server that logs everything; `stop` ends it and returns its log. */
const startTraced = async (path: string) => {
  const child = spawn(process.execPath, [taskyard, 'serve', '--port', '0', '--data', path, '--no-worker'], {
    cwd: root,
    env: { ...plainEnvironment(), LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const [ready] = (await within(
    'the server to be ready',
    once(child.stdout.setEncoding('utf8'), 'data'),
  )) as [string];
  const variables = await readVariables(join(path, 'credentials.env'));
  const credentials = {
    clientId: variables.TASKCLUSTER_CLIENT_ID ?? '',
    accessToken: variables.TASKCLUSTER_ACCESS_TOKEN ?? '',
  };
  const stop = async (): Promise<string> => {
    child.kill('SIGTERM');
    await within('the server to end', once(child, 'exit'));
    return log;
  };
  return { rootUrl: /http:\S+/.exec(ready)?.[0] ?? '', credentials, stop };
};

const said = 'a-secret-that-was-said-to-the-server';

/** Bodies with a secret, of the right form and of wrong ones. */
const texts = [
  JSON.stringify({ method: 'get', resource: '/', host: 'example.com', port: 80, authorization: said }),
  JSON.stringify({ accessToken: said, authorization: said }),
  `{"accessToken": "${said}"`,
  `{"accessToken": "${said}\\u0000"}`,
  said,
];

/** Calls with secrets in every place where a caller may put one. */
const callWithSecrets = async (rootUrl: string, taskId: string): Promise<void> => {
  const bad = async (headers: Record<string, string>, body: string) =>
    fetch(`${rootUrl}/api/auth/v1/authenticate-hawk`, { method: 'POST', headers, body });
  const json = { 'content-type': 'application/json' };
  for (const text of texts) await bad(json, text);
  await bad({ ...json, authorization: `Hawk id="example", mac="${said}"` }, '{}');
  await bad({ ...json, authorization: `Bearer ${said}` }, '{}');
  await fetch(`${rootUrl}/api/queue/v1/task/${taskId}?bewit=${said}`);
};

/** Calls whose replies hold secrets: access tokens of a client, and credentials of a task. */
const receiveSecrets = async (line: ReturnType<typeof aLine>) => {
  const expires = new Date(Date.now() + 3_600_000).toJSON();
  const client = await line.call('PUT', 'auth/v1/clients/example', { expires, description: '' });
  const { accessToken } = client.body as { accessToken: string };
  const reset = await line.call('POST', 'auth/v1/clients/example/reset');
  const fresh = (reset.body as { accessToken: string }).accessToken;
  const taskId = slugid();
  await line.call('PUT', `queue/v1/task/${taskId}`, {
    ...aTask(taskQueueId),
    payload: { env: { TOKEN: said } },
  });
  const claim = await line.call('POST', `queue/v1/claim-work/${taskQueueId}`, worker);
  const [claimed] = (claim.body as { tasks: { credentials: Record<string, string> }[] }).tasks;
  assert.ok(claimed);
  const { clientId: _, ...secret } = claimed.credentials;
  return { taskId, secrets: [accessToken, fresh, ...Object.values(secret)] };
};

const assertHoldsNone = (log: string, secrets: readonly string[]): void => {
  for (const secret of secrets) {
    assert.ok(secret.length > 20);
    assert.ok(!log.includes(secret), `the log holds ${secret.slice(0, 4)}…`);
  }
  // The log tells that a signature was refused, but nothing of what was in it.
  assert.doesNotMatch(log.replaceAll('a signature was refused', ''), /mac=|seed|signature/);
};

describe('the log', () => {
  it('has one line for each call, and no secret at any level', async (t) => {
    const home = await aHome(t);
    const { rootUrl, credentials, stop } = await startTraced(home.path);
    const line = aLine({ rootUrl, credentials });
    const { taskId, secrets } = await receiveSecrets(line);
    await callWithSecrets(rootUrl, taskId);
    const traced = await fetch(`${rootUrl}/api/queue/v1/task/${taskId}/status`, {
      headers: { 'x-taskcluster-trace-id': 'the-chain' },
    });
    await traced.text();
    line.close();
    const log = await stop();

    assertHoldsNone(log, [credentials.accessToken, said, ...secrets]);
    const lines = log
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    const calls = lines.filter(({ msg }) => msg === 'api call');
    assert.equal(calls.length, 4 + texts.length + 4);
    const last = calls.find(({ traceId }) => traceId === 'the-chain');
    assert.deepEqual(
      { ...last, time: '', ms: 0, requestId: '' },
      {
        level: 30,
        time: '',
        name: 'status',
        status: 403,
        ms: 0,
        clientId: '',
        taskId,
        traceId: 'the-chain',
        requestId: '',
        msg: 'api call',
      },
    );
    assert.equal(last?.requestId, traced.headers.get('x-for-request-id'));
    assert.ok(Number(last?.ms) > 0);
    assert.equal(calls.find(({ name }) => name === 'createTask')?.clientId, credentials.clientId);
  });
});

import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { aWorker, clockOfShortWaits, sh } from './testing/a-worker.ts';
import type { FakeRun } from './testing/fake-tasks.ts';
import { temporaryDirectory } from './testing/places.ts';
import { noBubblewrap } from './testing/scene.ts';

test('a proxy signs what a task asks for, with the credentials of the newest claim', async (t) => {
  const { queue } = await aWorker(t, { clock: clockOfShortWaits });
  const gate = join(await temporaryDirectory(t), 'gate');
  const ask = (path: string) => `node -e '
    fetch(process.env.TASKCLUSTER_PROXY_URL + "${path}/queue/v1/task/" + process.env.TASK_ID + "/status")
      .then((reply) => reply.json()).then(({ status }) => console.log("I am " + status.state))'`;
  const script = `${ask('/api')}; until [ -e "$GATE" ]; do sleep 0.05; done; ${ask('')}`;
  const taskId = queue.addTask(sh(script, { env: { GATE: gate }, features: { taskclusterProxy: true } }), {
    scopes: ['some:scope'],
  });
  const asked = () => queue.requests.filter(({ path }) => path === `/task/${taskId}/status`);
  await queue.until(() => asked().length === 1 && (queue.run(taskId).reclaims ?? 0) >= 2);
  await writeFile(gate, '');
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'completed');
  assert.match(queue.logOf(run), /^I am running$/m);
  const [first, second] = asked().map(({ clientId }) => Number(clientId.split('/').at(-1)));
  assert.ok((second ?? 0) > (first ?? 0), `${first} then ${second}`);
});

const bytesOf = (run: FakeRun, name: string): Buffer => {
  const { bytes = Buffer.alloc(0), headers } = run.artifacts.get(name) ?? {};
  return headers?.['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
};
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('a chain of trust is a signed list of the task’s artifacts and its log', {
  skip: noBubblewrap,
}, async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signingKeyPath = join(await temporaryDirectory(t), 'key.pem');
  await writeFile(signingKeyPath, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const { queue } = await aWorker(t, { engine: 'bubblewrap', signingKeyPath, instanceType: 'm5.large' });
  const script = `
    echo made > out.txt
    echo '{"mine": 1, "taskId": "forged", "environment": {"colour": "red", "instanceType": "own"}}' \
      > chain-of-trust-additional-data.json`;
  const artifacts = ['public/out.txt', '__proto__'].map((name) => ({ type: 'file', path: 'out.txt', name }));
  const taskId = queue.addTask(sh(script, { artifacts, features: { chainOfTrust: true } }));
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'completed');
  const certificate = bytesOf(run, 'public/chain-of-trust.json');
  const signature = bytesOf(run, 'public/chain-of-trust.json.sig');
  assert.equal(signature.length, 64);
  assert.ok(
    verify(null, certificate, createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })), signature),
  );
  const said = JSON.parse(certificate.toString());
  assert.deepEqual(said.artifacts, {
    'public/out.txt': { sha256: sha256(Buffer.from('made\n')) },
    // A name like any other, though every object has it (inherited-names).
    ['__proto__']: { sha256: sha256(Buffer.from('made\n')) },
    'public/logs/certified.log': { sha256: sha256(bytesOf(run, 'public/logs/certified.log')) },
  });
  assert.deepEqual(said.task, queue.tasks.get(taskId)?.definition);
  const { chainOfTrustVersion, runId, workerGroup, workerId, mine, environment } = said;
  assert.deepEqual(
    [chainOfTrustVersion, said.taskId, runId, workerGroup, workerId, mine],
    [1, taskId, 0, 'group', 'one', 1],
  );
  const { instanceId, instanceType, colour } = environment;
  assert.deepEqual([instanceId, instanceType, colour], ['one', 'm5.large', 'red']);
});

test('the additions of a task to its chain of trust must be JSON', { skip: noBubblewrap }, async (t) => {
  const signingKeyPath = join(await temporaryDirectory(t), 'key');
  await writeFile(signingKeyPath, Buffer.alloc(32, 7).toString('base64'));
  const { queue } = await aWorker(t, { engine: 'bubblewrap', signingKeyPath });
  const script = 'echo nonsense > chain-of-trust-additional-data.json';
  const run = await queue.resolved(queue.addTask(sh(script, { features: { chainOfTrust: true } })));
  assert.equal(run.state, 'failed');
  assert.match(queue.logOf(run), /\[chain-of-trust\] /);
});

test('a worker whose tasks could read its key certifies nothing', async (t) => {
  const { queue } = await aWorker(t);
  const run = await queue.resolved(queue.addTask(sh('true', { features: { chainOfTrust: true } })));
  assert.equal(run.reason, 'malformed-payload');
  const directory = await temporaryDirectory(t);
  const signingKeyPath = join(directory, 'key');
  await writeFile(signingKeyPath, Buffer.alloc(32, 7).toString('base64'));
  const shown = await aWorker(t, { signingKeyPath, readOnlyPaths: [directory] });
  await assert.rejects(shown.worker.started, /is where tasks could read it/);
});

test('the resources of a task are in its log, and in an artifact when it asks for the figures', async (t) => {
  const { queue } = await aWorker(t);
  const script = `node -e 'const held = Buffer.alloc(1.5e8, 1); while (process.cpuUsage().user < 4e5);
    setTimeout(() => held.length, 1000)'`;
  const wanting = queue.addTask(sh(script, { features: { resourceMonitor: true } }));
  const run = await queue.resolved(wanting);
  assert.equal(run.state, 'completed');
  assert.match(queue.logOf(run), /\[resources\] Memory at most \d+\.\d MiB, \d+\.\d s of processor time/);
  const figures = JSON.parse(bytesOf(run, 'public/resource-usage.json').toString());
  assert.ok(figures.peakMemoryBytes > 1.5e8, String(figures.peakMemoryBytes));
  assert.ok(figures.cpuSeconds >= 0.4, String(figures.cpuSeconds));
  assert.ok(figures.samples.length > 1);
  const plain = await queue.resolved(queue.addTask(sh('sleep 0.2')));
  assert.match(queue.logOf(plain), /\[resources\]/);
  assert.equal(plain.artifacts.has('public/resource-usage.json'), false);
  const without = await queue.resolved(
    queue.addTask(sh('sleep 0.2', { features: { resourceMonitor: false } })),
  );
  assert.doesNotMatch(queue.logOf(without), /\[resources\]/);
});

test('a task and its log are told where it runs', async (t) => {
  const location = '{"cloud":"aws","region":"eu-1","availabilityZone":"eu-1a"}';
  const { queue } = await aWorker(t, { location, instanceType: 'large' });
  const script = 'echo "$TASKCLUSTER_WORKER_LOCATION $TASKCLUSTER_INSTANCE_TYPE"';
  const log = queue.logOf(await queue.resolved(queue.addTask(sh(script))));
  assert.ok(log.includes(`\n${location} large\n`), log);
  assert.match(log, /^\[taskcluster .*\] Machine: .*, \d+ processors, \d+\.\d GiB$/m);
  assert.match(log, /^\[taskcluster .*\] TASKCLUSTER_INSTANCE_TYPE: large$/m);
});

test('a purged cache is empty for the next task', async (t) => {
  const { queue } = await aWorker(t);
  const payload = sh('n=$(cat c/n || echo 0); echo "n=$n"; echo $((n + 1)) > c/n', {
    mounts: [{ cacheName: 'c', directory: 'c' }],
  });
  const use = async (): Promise<string | undefined> => {
    const taskId = queue.addTask(payload, { scopes: ['generic-worker:cache:c'] });
    return /^n=(\d)$/m.exec(queue.logOf(await queue.resolved(taskId)))?.[1];
  };
  assert.equal(await use(), '0');
  queue.purgeRequests.push({ cacheName: 'd', before: new Date().toJSON() });
  assert.equal(await use(), '1');
  queue.purgeRequests.push({ cacheName: 'c', before: new Date().toJSON() });
  assert.equal(await use(), '0');
  assert.equal(await use(), '1');
  const [asked] = queue.requests.filter(({ path }) => path.includes('purge-cache'));
  assert.equal(asked?.path, '/api/purge-cache/v1/purge-cache/test%2Fworker');
  assert.equal(asked?.clientId, 'worker');
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type CreateTaskRequest, Queue, slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { aTask as aTaskWith } from './support/a-task.ts';
import { bindToAll, connectTo, consume } from './support/messages.ts';
import { anOtlpEndpoint, type OtlpEndpoint, type ReceivedSpan } from './support/otlp.ts';
import { aHome, type Platform } from './support/platform.ts';
import { aRabbitMq, noRabbitMq } from './support/rabbitmq.ts';

/** The trace that a taskId spells. */
const traceOf = (taskId: string): string => Buffer.from(taskId, 'base64url').toString('hex');

interface Caller {
  readonly traceId: string;
  readonly spanId: string;
}
const aCaller = (): Caller => ({
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
});

/** The queue, for a caller that has a trace of its own. */
const queueFor = ({ rootUrl, credentials }: Platform, { traceId, spanId }: Caller): Queue =>
  new Queue({ rootUrl, credentials, headers: () => ({ traceparent: `00-${traceId}-${spanId}-01` }) });

const aTask = (taskQueueId: string, payload: object): CreateTaskRequest =>
  aTaskWith({ taskQueueId, name: 'traced' }, { payload: payload as never });

const exportingTo = ({ url }: OtlpEndpoint) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
  OTEL_BSP_SCHEDULE_DELAY: '20',
});

const inTrace = (spans: readonly ReceivedSpan[], traceId: string): ReceivedSpan[] =>
  spans.filter((span) => span.traceId === traceId);

/** Each span of a trace with the one that it is below, as `parent > name`. */
const treeOf = (spans: readonly ReceivedSpan[]): string[] => {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ parentId, name }) => `${names.get(parentId) ?? (parentId && 'elsewhere')} > ${name}`);
};

const runs = '/api/queue/v1/task/<taskId>/runs/<runId>';
const exchange = 'exchange/taskcluster-queue/v1';

/** What a task that one worker completed leaves in its trace, and where. */
const wholeTree = [
  ' > create task',
  'create task > pending',
  'create task > run',
  'run > work on run',
  'work on run > claim',
  'work on run > mount',
  'work on run > command',
  'work on run > upload artifact',
  'work on run > upload artifacts',
  `upload artifact > POST ${runs}/artifacts/<name>`,
  `POST ${runs}/artifacts/<name> > create-artifacts`,
  'work on run > report',
  `report > POST ${runs}/completed`,
  `POST ${runs}/completed > resolve-runs`,
  `create task > publish ${exchange}/task-defined`,
  `create task > publish ${exchange}/task-pending`,
  `create task > publish ${exchange}/task-running`,
  `create task > publish ${exchange}/task-completed`,
  `create task > publish ${exchange}/artifact-created`,
];

/** Creates a task for the built-in worker that knows a secret, and leaves a large artifact; returns its id. */
const createTaskWith = async (queue: Queue, secret: string): Promise<string> => {
  const taskId = slugid();
  const payload = {
    command: [['true'], ['/bin/sh', '-c', `echo ${secret}; head -c 300000 /dev/urandom > large`]],
    env: { TOKEN: secret },
    artifacts: [{ type: 'file', path: 'large', name: 'public/large' }],
    maxRunTime: 600,
  };
  await queue.createTask(taskId, aTask('local/built-in', payload));
  return taskId;
};

/** The trace of a task once it has these steps, and once the parents of all its spans have come. */
const traceWith = (
  endpoint: OtlpEndpoint,
  taskId: string,
  steps: readonly string[],
): Promise<ReceivedSpan[]> =>
  eventually(
    'the whole trace of the task',
    () => inTrace(endpoint.spans, traceOf(taskId)),
    (spans) => {
      const tree = treeOf(spans);
      return steps.every((step) => tree.includes(step)) && !tree.some((step) => step.startsWith('elsewhere'));
    },
  );

/** The values of an attribute in all spans of a name. */
const valuesOf = (spans: readonly ReceivedSpan[], name: string, attribute: string): unknown[] =>
  spans.filter((span) => span.name === name).map(({ attributes }) => attributes[attribute]);

describe('traces', () => {
  it('a task is found by its taskId from the call that creates it to the report of its worker', {
    skip: noRabbitMq,
  }, async (t) => {
    const home = await aHome(t);
    const broker = await aRabbitMq(t);
    const [endpoint] = await Promise.all([anOtlpEndpoint(t), broker.start()]);
    const connection = await connectTo(t, broker);
    await bindToAll(connection, 'traced', { prefix: 'exchange/taskcluster-' });
    const arrived = await consume(connection, 'traced');
    const platform = await home.start({ ...exportingTo(endpoint), AMQP_URL: broker.url });
    const caller = aCaller();
    const secret = `hidden-${slugid()}`;
    const taskId = await createTaskWith(queueFor(platform, caller), secret);
    const trace = await traceWith(endpoint, taskId, wholeTree);
    assert.deepEqual(valuesOf(trace, 'command', 'taskyard.command.index'), [0, 1]);
    assert.deepEqual(valuesOf(trace, 'command', 'process.exit.code'), [0, 0]);
    assert.deepEqual(valuesOf(trace, 'upload artifact', 'taskyard.artifact.name'), ['public/large']);
    const together = valuesOf(trace, 'upload artifacts', 'taskyard.artifact.names').flat();
    assert.ok(together.includes('public/logs/live_backing.log'), String(together));
    assert.deepEqual(valuesOf(trace, 'run', 'cicd.pipeline.task.run.result'), ['success']);
    const services = trace.filter(({ name }) => name.startsWith('work')).map(({ service }) => service);
    assert.deepEqual(services, ['taskyard-worker']);
    assert.ok(trace.every(({ startNs, endNs, status }) => startNs <= endNs && status !== 2));

    // A listener can continue the trace below what published the message.
    const completed = arrived.find(
      ({ payload, exchange: from }) => payload.includes(taskId) && /task-completed/.test(from),
    );
    const publication = trace.find(({ name }) => name === `publish ${exchange}/task-completed`);
    assert.equal(
      completed?.properties.headers?.traceparent,
      `00-${traceOf(taskId)}-${publication?.spanId}-01`,
    );

    // The caller's trace has the call and its transaction, to which the task's trace leads back.
    const called = inTrace(endpoint.spans, caller.traceId);
    const call = called.find(({ name }) => name === 'PUT /api/queue/v1/task/<taskId>');
    assert.deepEqual([call?.parentId, call?.attributes['taskyard.task.id']], [caller.spanId, taskId]);
    const transaction = called.find(({ name }) => name === 'create-tasks');
    assert.equal(transaction?.parentId, call?.spanId);
    const root = trace.find(({ name }) => name === 'create task');
    assert.deepEqual(root?.links, [{ traceId: caller.traceId, spanId: transaction?.spanId }]);

    await platform.stop();
    const bytes = endpoint.bytes();
    assert.ok(bytes.includes('public/large'));
    for (const hidden of [secret, platform.credentials.accessToken, 'urandom', 'Hawk '])
      assert.ok(!bytes.includes(hidden), hidden);
  });

  it('of calls', async (t) => {
    const home = await aHome(t);
    const endpoint = await anOtlpEndpoint(t);
    const platform = await home.start({ ...exportingTo(endpoint), WORKER: 'false' });

    await t.test('those that share a transaction share its span, which links to each of them', async () => {
      const shared = await eventually('a transaction of several calls', async () => {
        const queues = Array.from({ length: 20 }, () => queueFor(platform, aCaller()));
        await Promise.all(queues.map((queue) => queue.createTask(slugid(), aTask('example/traces', {}))));
        return endpoint.spans.find(
          ({ name, attributes }) => name === 'create-tasks' && 'db.operation.batch.size' in attributes,
        );
      });
      const calls = await eventually(
        'its calls',
        () => shared.links.map((link) => endpoint.spans.find(({ spanId }) => spanId === link.spanId)),
        (found) => found.every((call) => call !== undefined),
      );
      assert.equal(calls.length, shared.attributes['db.operation.batch.size']);
      assert.deepEqual(
        calls.map((call) => call?.traceId),
        shared.links.map(({ traceId }) => traceId),
      );
      assert.equal(new Set(calls.map((call) => call?.traceId)).size, calls.length);
      for (const call of calls) assert.equal(call?.name, 'PUT /api/queue/v1/task/<taskId>');
      assert.equal(shared.parentId, calls[0]?.spanId);
    });

    await t.test('what a worker without traces says of a run is below the run', async () => {
      const queue = new Queue(platform);
      const taskId = slugid();
      await queue.createTask(taskId, aTask('example/silent', {}));
      const worker = { workerGroup: 'example', workerId: 'silent' };
      const { credentials } = await queue.claimTask(taskId, 0, worker);
      await new Queue({ ...platform, credentials }).reportFailed(taskId, 0);
      const steps = ['create task > run', `run > POST ${runs}/failed`, `POST ${runs}/failed > resolve-runs`];
      const trace = await traceWith(endpoint, taskId, [...steps, 'create task > pending']);
      assert.deepEqual(valuesOf(trace, 'run', 'cicd.pipeline.task.run.result'), ['failure']);
      assert.deepEqual(valuesOf(trace, 'run', 'error.type'), ['failed']);
      assert.deepEqual(valuesOf(trace, 'run', 'cicd.worker.id'), ['example/silent']);
    });
  });
});

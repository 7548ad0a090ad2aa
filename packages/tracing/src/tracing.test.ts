import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '@taskyard/patience';
import { traceIdOf } from './identity.ts';
import { openTracing, type Tracing, taskRefOf, traced } from './index.ts';

// What reaches an endpoint is the subject of test/traces.test.ts.

const nowhere = { endpoint: 'http://127.0.0.1:1' };
const unheeded = { service: 'a test', onError: () => {} };

const aTracing = async (environment: NodeJS.ProcessEnv = {}): Promise<Tracing> => {
  const tracing = await openTracing(nowhere, unheeded, environment);
  assert.ok(tracing);
  return tracing;
};

/** The id of a new task: a UUID in base64url, whose first bit is 0 as the original's have it. */
const slugid = (): string => {
  const bytes = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
};

const taskId = 'fN1SbArXTPSVFNUvaOlinQ';
const traceId = '7cdd526c0ad74cf49514d52f68e9629d';

/** The libraries of OpenTelemetry that a process has loaded after it has opened tracing with these settings. */
const loadedWith = async (settings: object): Promise<number> => {
  const script = `
    const { openTracing } = await import(${JSON.stringify(new URL('./index.js', import.meta.url).href)});
    await openTracing(${JSON.stringify(settings)}, { service: 'a test', onError() {} }, {});
    const { default: module } = await import('node:module');
    console.log(Object.keys(module._cache).filter((path) => path.includes('@opentelemetry')).length);`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return Number(stdout);
};

describe('tracing', () => {
  it('without an endpoint there is none, and nothing is loaded for it', async () => {
    assert.equal(await openTracing({}, unheeded, {}), undefined);
    assert.equal(await loadedWith({}), 0);
    assert.notEqual(await loadedWith(nowhere), 0);
  });

  it('is switched off by the variables of OpenTelemetry, and refuses protocols and URLs that there are not', async () => {
    const off = [{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }];
    for (const environment of off) assert.equal(await openTracing(nowhere, unheeded, environment), undefined);
    const errors: string[] = [];
    const source = { ...unheeded, onError: (message: string) => void errors.push(message) };
    const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    assert.equal(await openTracing(nowhere, source, grpc), undefined);
    assert.equal(await openTracing({ endpoint: 'http://nowhere:99999' }, source, {}), undefined);
    assert.deepEqual(errors, [
      'the protocol of OTLP is set to grpc, and only http/protobuf is supported',
      'the URL of the endpoint is not valid',
    ]);
    const both = { ...grpc, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' };
    await (await aTracing(both)).close();
  });

  it('the trace of a task follows from its taskId, in every process', async () => {
    assert.equal(traceIdOf(taskId), traceId);
    const [one, other] = [await aTracing(), await aTracing()];
    for (const ref of [{ taskId }, { taskId, runId: 0 }]) {
      const { traceparent = '' } = one.headersFor(ref);
      assert.match(traceparent, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
      assert.equal(other.headersFor(ref).traceparent, traceparent);
    }
    assert.notDeepEqual(one.headersFor({ taskId }), one.headersFor({ taskId, runId: 0 }));
    assert.equal(one.taskSpan({ taskId: 'no id of a task' }), undefined);
  });

  it('takes for a task or a run only what can be one', () => {
    assert.deepEqual(taskRefOf(taskId, '3'), { taskId, runId: 3 });
    for (const word of [undefined, '_', '-1', '1000'])
      assert.deepEqual(taskRefOf(taskId, word), { taskId, runId: undefined });
    for (const word of [undefined, 'no-id', `${taskId}A`]) assert.equal(taskRefOf(word, '3'), undefined);
  });

  it('of a part of all traces, every process exports the same tasks and runs', async (t) => {
    process.env.OTEL_TRACES_SAMPLER = 'parentbased_traceidratio';
    process.env.OTEL_TRACES_SAMPLER_ARG = '0.5';
    t.after(() => {
      delete process.env.OTEL_TRACES_SAMPLER;
      delete process.env.OTEL_TRACES_SAMPLER_ARG;
    });
    const [one, other] = [await aTracing(), await aTracing()];
    const taskIds = Array.from({ length: 400 }, () => slugid());
    const sampled = taskIds.filter((taskId) => one.taskSpan({ taskId })?.isSampled);
    assert.ok(sampled.length > 100 && sampled.length < 300, `${sampled.length} of 400`);
    for (const taskId of taskIds) {
      const isSampled = sampled.includes(taskId);
      const spans = [other.taskSpan({ taskId }), one.taskSpan({ taskId, runId: 1 })];
      const below = other.begin('below', { parent: other.taskSpan({ taskId, runId: 1 }) });
      assert.deepEqual(
        [...spans, below].map((span) => span?.isSampled),
        [isSampled, isSampled, isSampled],
      );
    }
  });

  it('a call below a span of another trace names the run of its own', async () => {
    const tracing = await aTracing();
    const ours = tracing.begin('ours', { parent: tracing.taskSpan({ taskId }) });
    const theirs = tracing.begin('theirs', { parent: null });
    const within = (span: typeof ours) =>
      tracing.within(span, () => tracing.headersFor({ taskId, runId: 0 }));
    const ofRun = tracing.headersFor({ taskId, runId: 0 });
    assert.deepEqual(within(theirs), ofRun);
    assert.notDeepEqual(within(ours), ofRun);
    assert.ok(within(ours).traceparent?.startsWith(`00-${traceId}-`));
  });

  it('a span is current while it lasts, and no parent of what begins later', async () => {
    const tracing = await aTracing();
    const span = tracing.begin('short');
    tracing.within(span, () => {
      assert.equal(tracing.current(), span);
      assert.equal(tracing.begin('below').traceId, span.traceId);
      span.end();
      assert.equal(tracing.current(), undefined);
      assert.notEqual(tracing.begin('later').traceId, span.traceId);
    });
  });

  it('takes the trace of a caller, with its decision, and no damaged one', async () => {
    const tracing = await aTracing();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    const caller = tracing.callerIn({ traceparent });
    assert.equal(caller?.traceId, '0af7651916cd43dd8448eb211c80319c');
    assert.equal(tracing.begin('call', { parent: caller ?? null }).isSampled, false);
    for (const damaged of [undefined, '', traceparent.slice(1), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`])
      assert.equal(tracing.callerIn({ traceparent: damaged }), undefined, damaged);
  });

  it('what throws in a span throws, and ends it', async () => {
    const tracing = await aTracing();
    let inside: ReturnType<Tracing['current']>;
    const failure = new Error('a failure');
    const run = traced(tracing, 'failing', {}, async () => {
      inside = tracing.current();
      throw failure;
    });
    await assert.rejects(run, failure);
    assert.ok(inside);
    assert.equal(
      tracing.within(inside, () => tracing.current()),
      undefined,
    );
    assert.equal(await traced(undefined, 'none', {}, async (span) => span), undefined);
  });

  it('an endpoint that is away is reported once, and holds nothing up', async (t) => {
    const errors: string[] = [];
    const source = { service: 'a test', onError: (message: string) => void errors.push(message) };
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '100';
    t.after(() => {
      delete process.env.OTEL_EXPORTER_OTLP_TIMEOUT;
    });
    const tracing = await openTracing(nowhere, source, {});
    tracing?.begin('lost').end();
    await tracing?.close();
    assert.equal(errors.length, 1);
  });

  it('an endpoint that took nothing gets nothing more when the process ends', async (t) => {
    let requests = 0;
    const server = createServer((request, reply) => {
      requests++;
      request.resume().once('end', () => reply.writeHead(400).end());
    });
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    process.env.OTEL_BSP_SCHEDULE_DELAY = '1';
    t.after(() => {
      delete process.env.OTEL_BSP_SCHEDULE_DELAY;
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const errors = new EventEmitter();
    const failed = once(errors, 'reported');
    const source = { service: 'a test', onError: (reason: string) => void errors.emit('reported', reason) };
    const tracing = await openTracing({ endpoint: `http://127.0.0.1:${port}` }, source, {});
    tracing?.begin('refused').end();
    assert.deepEqual(await failed, ['Bad Request']);
    tracing?.begin('left').end();
    await tracing?.close();
    assert.equal(requests, 1);
  });

  it('an endpoint that never took anything is waited for less long than one that did', async (t) => {
    const replies: ServerResponse[] = [];
    const server = createServer((request, reply) => {
      request.resume();
      replies.push(reply);
    });
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    process.env.OTEL_BSP_SCHEDULE_DELAY = '1';
    t.after(() => {
      delete process.env.OTEL_BSP_SCHEDULE_DELAY;
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const open = () => openTracing({ endpoint: `http://127.0.0.1:${port}` }, unheeded, {});
    const arrived = (count: number) => eventually(`request ${count}`, () => replies[count - 1]);
    const known = await open();
    known?.begin('one').end();
    (await arrived(1)).end();
    known?.begin('two').end();
    // It is sent only when the first one has been taken.
    const second = await arrived(2);
    const unknown = await open();
    unknown?.begin('three').end();
    await arrived(3);
    const closed: string[] = [];
    const ends = [
      known?.close().then(() => closed.push('known')),
      unknown?.close().then(() => closed.push('unknown')),
    ];
    await ends[1];
    assert.deepEqual(closed, ['unknown']);
    second.end();
    await ends[0];
  });
});

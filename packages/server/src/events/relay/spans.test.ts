import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openTracing } from '@taskyard/tracing';
import type { StoredMessage } from '../store.ts';
import { beginSending } from './spans.ts';

const taskId = 'fN1SbArXTPSVFNUvaOlinQ';
const traceId = '7cdd526c0ad74cf49514d52f68e9629d';

const message = (exchange: string, routingKey: string): StoredMessage => ({
  ...{ id: 1, routes: [], payload: '{}' },
  exchange: `exchange/taskcluster-${exchange}`,
  routingKey,
});

/** The header of a message that is about to be sent. */
const headerOf = async (exchange: string, routingKey: string): Promise<string | undefined> => {
  const unheeded = { service: 'a test', onError: () => {} };
  const tracing = await openTracing({ endpoint: 'http://127.0.0.1:1' }, unheeded, {});
  assert.ok(tracing);
  return beginSending(tracing, [message(exchange, routingKey)], new Date()).headersOf(0).traceparent;
};

it('a message about a task carries the trace of the task, and the span that sends it', async () => {
  const shape = new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`);
  const headers = await Promise.all([
    headerOf('queue/v1/task-completed', `primary.${taskId}.0.group.worker.prov.type.-.${taskId}._`),
    headerOf('queue/v1/task-completed', `primary.${taskId}.0.group.worker.prov.type.-.${taskId}._`),
    headerOf('queue/v1/artifact-created', `primary.${taskId}.0.group.worker.prov.type.-.${taskId}._`),
  ]);
  for (const header of headers) assert.match(header ?? '', shape);
  assert.equal(new Set(headers).size, headers.length);
});

it('a message about a group, or about something with a name like a taskId, is in the trace of no task', async () => {
  assert.equal(await headerOf('queue/v1/task-group-resolved', `primary.${taskId}.scheduler._`), undefined);
  assert.equal(await headerOf('github/v1/push', `primary.${taskId}.repository`), undefined);
  assert.equal(await headerOf('queue/v1/task-completed', 'primary.no-id.0'), undefined);
});

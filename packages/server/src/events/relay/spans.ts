import { type Span, type Tracing, taskRefOf } from '@taskyard/tracing';
import type { StoredMessage } from '../store.ts';

/** The task, or the task group, that a routing key names: its second word. The third is a number for messages about a run. */
const refIn = ({ routingKey }: StoredMessage) => {
  const [, taskId, runId] = routingKey.split('.', 3);
  return taskRefOf(taskId, runId);
};

const aboutSending = {
  'messaging.system': 'rabbitmq',
  'messaging.operation.name': 'publish',
  'messaging.operation.type': 'send',
};

/** Makes the spans of messages that the broker has confirmed: one for the page, and one in the trace of each one's task. */
export const traceSent = (
  tracing: Tracing,
  sent: readonly StoredMessage[],
  { since, now }: { readonly since: Date; readonly now: Date },
): void => {
  const found = sent.flatMap((message) => {
    const ref = refIn(message);
    const task = ref && tracing.taskSpan({ taskId: ref.taskId });
    return task ? [{ message, ref, task }] : [];
  });
  if (sent.length === 0) return;
  const page: Span = tracing.begin('publish outbox', {
    kind: 'client',
    parent: null,
    at: since,
    links: found.map(({ task }) => task),
    attributes: { ...aboutSending, 'messaging.batch.message_count': sent.length },
  });
  page.end(now);
  for (const { message, ref, task } of found) {
    const span = tracing.begin(`publish ${message.exchange}`, {
      kind: 'producer',
      parent: task,
      at: since,
      links: [page],
      attributes: {
        ...aboutSending,
        'messaging.destination.name': message.exchange,
        'messaging.message.id': String(message.id),
        'messaging.message.body.size': Buffer.byteLength(message.payload),
        'taskyard.task.id': ref.taskId,
        'taskyard.run.id': ref.runId,
      },
    });
    span.end(now);
  }
};

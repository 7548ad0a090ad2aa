import { type Tracing, taskRefOf } from '@taskyard/tracing';
import type { StoredMessage } from '../store.ts';

/** Exchanges of messages about a task. The second word of others may have the form of a taskId and is none: a group, or a name. */
const aboutTask = /-queue\/v1\/(task-(?!group-)|artifact-)/;

/** The task that a routing key names: its second word. The third is a number for messages about a run. */
const refIn = ({ exchange, routingKey }: StoredMessage) => {
  if (!aboutTask.test(exchange)) return undefined;
  const [, taskId, runId] = routingKey.split('.', 3);
  return taskRefOf(taskId, runId);
};

const aboutSending = {
  'messaging.system': 'rabbitmq',
  'messaging.operation.name': 'publish',
  'messaging.operation.type': 'send',
};

/** The spans of a page of messages, while it is on its way to the broker. */
export interface Sending {
  /** Headers that let a listener continue the trace of a message's task: `traceparent`, as W3C's Trace Context has it. */
  headersOf(index: number): Record<string, string>;
  /** Ends the spans of messages that the broker has confirmed. Those of others are dropped: each try has its own. */
  end(isConfirmed: (index: number) => boolean, at: Date): void;
}

/** Begins the spans of a page: one for all of it, and one for each message about a task, in the trace of that task. */
export const beginSending = (tracing: Tracing, messages: readonly StoredMessage[], at: Date): Sending => {
  const found = messages.map((message) => {
    const ref = refIn(message);
    const task = ref && tracing.taskSpan({ taskId: ref.taskId });
    return task && { message, ref, task };
  });
  const page = tracing.begin('publish outbox', {
    kind: 'client',
    parent: null,
    at,
    links: found.map((each) => each?.task),
    attributes: aboutSending,
  });
  const spans = found.map(
    (each) =>
      each &&
      tracing.begin(`publish ${each.message.exchange}`, {
        kind: 'producer',
        parent: each.task,
        at,
        links: [page],
        attributes: {
          ...aboutSending,
          'messaging.destination.name': each.message.exchange,
          'messaging.message.id': String(each.message.id),
          'messaging.message.body.size': Buffer.byteLength(each.message.payload),
          'taskyard.task.id': each.ref.taskId,
          'taskyard.run.id': each.ref.runId,
        },
      }),
  );
  return {
    headersOf: (index) => {
      const [ref, span] = [found[index]?.ref, spans[index]];
      return ref && span ? tracing.within(span, () => tracing.headersFor(ref)) : {};
    },
    end: (isConfirmed, endedAt) => {
      const confirmed = messages.filter((_, i) => isConfirmed(i)).length;
      for (const [i, span] of spans.entries()) if (isConfirmed(i)) span?.end(endedAt);
      if (confirmed === 0) return;
      page.set({ 'messaging.batch.message_count': confirmed });
      page.end(endedAt);
    },
  };
};

import { type Binding, queueExchanges, type StreamedMessage } from '@taskyard/client/browser';
import { useEffect, useRef } from 'react';
import { listen } from './shared-events.ts';

export interface Following<Payload> {
  readonly bindings: readonly Binding[];
  /** Messages that arrived together, in order. */
  readonly onMessages: (messages: readonly StreamedMessage<Payload>[]) => void;
  /** Messages may be missing: the present state has to be read. Also called when the stream begins. */
  readonly onGap?: () => void;
}

/** What tells that a task has changed. */
export const exchangesOfTasks = [
  queueExchanges.taskDefined,
  queueExchanges.taskPending,
  queueExchanges.taskRunning,
  queueExchanges.taskCompleted,
  queueExchanges.taskFailed,
  queueExchanges.taskException,
  queueExchanges.taskPriorityChanged,
];

/** Follows the event stream while the component is shown. Bindings are compared by their content. */
export const useEvents = <Payload>(following: Following<Payload>): void => {
  const latest = useRef(following);
  latest.current = following;
  const key = JSON.stringify(following.bindings);
  useEffect(
    () =>
      listen({
        bindings: JSON.parse(key) as Binding[],
        onConnected: () => latest.current.onGap?.(),
        onMessages: (messages) => latest.current.onMessages(messages as readonly StreamedMessage<Payload>[]),
      }),
    [key],
  );
};

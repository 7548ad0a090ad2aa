import { type Binding, followEvents, pause, type StreamedMessage } from '@taskyard/client/browser';
import { useEffect, useRef } from 'react';
import { currentSession, rootUrl } from './session.ts';

export interface Following<Payload> {
  readonly bindings: readonly Binding[];
  /** Messages that arrived together, in order. */
  readonly onMessages: (messages: readonly StreamedMessage<Payload>[]) => void;
  /** Messages may be missing: the present state has to be read. */
  readonly onGap?: () => void;
}

const delayMs = 2000;

/** Follows until the signal aborts. A stream whose credentials have ended goes on with new ones where it was. */
const follow = async <Payload>(
  { bindings, onGap }: Following<Payload>,
  onMessage: (message: StreamedMessage<Payload>) => void,
  signal: AbortSignal,
): Promise<void> => {
  let lastEventId: string | undefined;
  while (!signal.aborted) {
    const session = await currentSession();
    const credentials = session.kind === 'somebody' ? session.credentials : undefined;
    const onConnect = ({ isGapless }: { isGapless: boolean }) => {
      if (!isGapless) onGap?.();
    };
    try {
      for await (const message of followEvents<Payload>({
        rootUrl,
        credentials,
        bindings,
        signal,
        lastEventId,
        onConnect,
      })) {
        lastEventId = message.id;
        onMessage(message);
      }
    } catch {
      // Refused or gone: tried again after a while, until the page is left.
    }
    await pause(delayMs, signal).catch(() => {});
  }
};

/** Follows the event stream while the component is shown. Bindings are compared by their content. */
export const useEvents = <Payload>(following: Following<Payload>): void => {
  const latest = useRef(following);
  latest.current = following;
  const key = JSON.stringify(following.bindings);
  useEffect(() => {
    const leaving = new AbortController();
    let arrived: StreamedMessage<Payload>[] = [];
    let frame = 0;
    // A burst is one change of the page, not thousands.
    const deliver = () => {
      frame = 0;
      latest.current.onMessages(arrived.splice(0));
    };
    const onMessage = (message: StreamedMessage<Payload>) => {
      arrived.push(message);
      frame ||= window.setTimeout(deliver, 50);
    };
    const bindings = JSON.parse(key) as Binding[];
    void follow(
      { bindings, onMessages: () => {}, onGap: () => latest.current.onGap?.() },
      onMessage,
      leaving.signal,
    );
    return () => {
      leaving.abort();
      window.clearTimeout(frame);
      arrived = [];
    };
  }, [key]);
};

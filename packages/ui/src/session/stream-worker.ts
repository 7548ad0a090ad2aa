import { followEvents } from '@taskyard/client/browser';
import { StreamHub, type ToHub } from './stream-hub.ts';

/** The parts of a worker that all tabs of a browser share which are used here; the types of pages do not have them. */
interface SharedScope {
  readonly location: { readonly origin: string };
  onconnect: ((event: MessageEvent) => void) | null;
}

const scope = globalThis as unknown as SharedScope;
const hub = new StreamHub({ rootUrl: scope.location.origin, follow: followEvents, now: Date.now });

scope.onconnect = ({ ports: [port] }) => {
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<ToHub>) => hub.take(data, (answer) => port.postMessage(answer));
};

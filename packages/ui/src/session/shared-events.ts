import {
  type Binding,
  type Credentials,
  followEvents,
  type StreamedMessage,
  slugid,
} from '@taskyard/client/browser';
import { currentSession, rootUrl, type Session, sessionStore } from './session.ts';
import { type FromHub, StreamHub, type ToHub } from './stream-hub.ts';

/** What a part of a page listens to. */
export interface Listening {
  readonly bindings: readonly Binding[];
  /** Messages may be missing: the present state has to be read. Also called when the stream begins. */
  readonly onConnected: () => void;
  /** Messages that arrived together, in order. */
  readonly onMessages: (messages: readonly StreamedMessage[]) => void;
}

const listening = new Map<string, Listening>();
const sayAgainMs = 60_000;

/** Whether the hub has answered since wishes were said last. One that has crashed says nothing at all. */
let isHeard = true;

const hear = (message: FromHub): void => {
  isHeard = true;
  const each = listening.get(message.key);
  if (message.kind === 'heard') return;
  if (message.kind === 'stale') void say(message.key);
  else if (message.kind === 'connected') each?.onConnected();
  else each?.onMessages(message.messages);
};

type Post = (message: ToHub) => void;
let post: Post | undefined;
/** Without a hub that tabs share, a hidden tab gives its connection up. */
let isOwn = false;

/** A hub of this tab alone, for browsers without shared workers: it listens only while the page is visible. */
const ownHub = (): Post => {
  isOwn = true;
  const hub = new StreamHub({ rootUrl, follow: followEvents, now: Date.now });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) leaveAll();
    else sayAll();
  });
  return (message) => hub.take(message, hear);
};

const sharedHub = (): Post => {
  if (typeof SharedWorker === 'undefined') return ownHub();
  const worker = new SharedWorker(new URL('./stream-worker.ts', import.meta.url), {
    type: 'module',
    name: 'taskyard-events',
  });
  worker.port.onmessage = ({ data }: MessageEvent<FromHub>) => hear(data);
  const toWorker = (message: ToHub) => worker.port.postMessage(message);
  // It could not be loaded. One that was given up already has nothing to say.
  worker.onerror = () => {
    if (post !== toWorker) return;
    post = ownHub();
    sayAll();
  };
  return toWorker;
};

const ofSession = (session: Session): { clientId: string; credentials?: Credentials } =>
  session.kind === 'somebody'
    ? { clientId: session.clientId, credentials: session.credentials }
    : { clientId: '' };

const say = async (key: string): Promise<void> => {
  const session = await currentSession();
  const wanted = listening.get(key);
  post ??= sharedHub();
  if (wanted && !(isOwn && document.hidden))
    post({ kind: 'follow', key, bindings: wanted.bindings, ...ofSession(session) });
};

const sayAll = (): void => {
  for (const key of listening.keys()) void say(key);
};

const leaveAll = (): void => {
  for (const key of listening.keys()) post?.({ kind: 'leave', key });
};

/** Says all wishes again; to a new hub, where the one before has not even confirmed the last ones. */
const sayAgain = (): void => {
  if (post && !isOwn && !isHeard && listening.size > 0) post = sharedHub();
  isHeard = listening.size === 0;
  sayAll();
};

window.setInterval(sayAgain, sayAgainMs);
window.addEventListener('pagehide', leaveAll);
// A page that the browser had put aside is shown again.
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted) sayAll();
});

// What another user may hear is another stream.
let who = ofSession(sessionStore.snapshot()).clientId;
sessionStore.subscribe(() => {
  const now = ofSession(sessionStore.snapshot()).clientId;
  if (now === who) return;
  who = now;
  leaveAll();
  sayAll();
});

/** Listens to messages until the function that is returned is called, by one stream for all tabs. */
export const listen = (wanted: Listening): (() => void) => {
  const key = slugid();
  listening.set(key, wanted);
  void say(key);
  return () => {
    listening.delete(key);
    post?.({ kind: 'leave', key });
  };
};

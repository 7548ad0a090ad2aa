import { Readable } from 'node:stream';
import { type Clock, RequestError, seconds } from '../base/index.ts';
import { mistakesIn, publish, Reply } from '../http/index.ts';
import { type FollowedMessage, type Follower, type Position, positionIn, positionText } from './follow.ts';
import { type Binding, matcher } from './patterns.ts';
import { Bindings } from './schema.ts';

const bindingsSchema = publish('events', 'bindings', Bindings);
const everything: Binding[] = [{ exchange: '#', routingKeyPattern: '#' }];
// Proxies close connections after a minute of silence.
const keepAliveMs = seconds(25);

/** The bindings in a query parameter: a JSON array; without one, everything. */
export const parseBindings = (text: string | undefined): Binding[] => {
  if (text === undefined) return everything;
  let bindings: unknown;
  try {
    bindings = JSON.parse(text);
  } catch {
    throw new RequestError('InputError', 'Query parameter bindings must be JSON.');
  }
  const mistakes = mistakesIn(bindingsSchema, bindings);
  if (mistakes.length > 0) {
    throw new RequestError('InputError', `Query parameter bindings: ${mistakes.join('; ')}`);
  }
  return bindings as Binding[];
};

/** An event with the place of the stream, for readers that have received nothing for some time. */
const positionEvent = (position: Position): string =>
  `id: ${positionText(position)}\nevent: position\ndata: {}\n\n`;

/** One server-sent event. The payload is JSON text already, and is inserted as it is. */
const eventText = ({ position, exchange, routingKey, routes, payload }: FollowedMessage): string =>
  `id: ${positionText(position)}\ndata: {"exchange":${JSON.stringify(exchange)},"routingKey":${JSON.stringify(
    routingKey,
  )},"routes":${JSON.stringify(routes)},"payload":${payload}}\n\n`;

export interface StreamContext {
  readonly follower: Follower;
  readonly clock: Clock;
  /** Aborts when the process is about to end. Streams end then, and their readers reconnect to another process. */
  readonly closing: AbortSignal;
}

export interface StreamRequest {
  /** The reader; empty without credentials. */
  readonly clientId: string;
  readonly bindings: Binding[];
  readonly lastEventId: string | undefined;
  readonly gone: AbortSignal;
}

/** Opens the stream: an endless reply of server-sent events. */
export const openStream = async (deps: StreamContext, request: StreamRequest): Promise<Reply> => {
  const stop = AbortSignal.any([request.gone, deps.closing]);
  const from = request.lastEventId ? positionIn(request.lastEventId) : await deps.follower.now();
  // It may refuse the place, which must be an error reply and not the end of a stream.
  const messages = await deps.follower.follow(from, stop);
  const text = started(messages, from, { deps, request, stop });
  return new Reply(200, text, { 'content-type': 'text/event-stream; charset=utf-8' });
};

interface Open {
  readonly deps: StreamContext;
  readonly request: StreamRequest;
  readonly stop: AbortSignal;
}

const started = (
  messages: AsyncGenerator<FollowedMessage[]>,
  from: Position,
  { deps, request, stop }: Open,
): Readable => {
  const matches = matcher(request.bindings);
  const output = new Readable({ read: () => resume?.() });
  let resume: (() => void) | undefined;
  const write = async (text: string): Promise<void> => {
    if (output.push(text) || stop.aborted) return;
    // The reader is slow, so nothing is read from the database until it has caught up.
    await new Promise<void>((resolve) => {
      resume = resolve;
    });
    resume = undefined;
  };
  stop.addEventListener('abort', () => resume?.(), { once: true });
  // The place where the stream starts, so that a reader that is disconnected before the first event misses none.
  output.push(positionEvent(from));
  const reached = { position: from };
  void (async () => {
    try {
      for await (const page of messages) {
        // The stream may have ended by now, and nothing may be written after its end.
        if (stop.aborted) break;
        const text = page.filter(matches).map(eventText).join('');
        reached.position = page.at(-1)?.position ?? reached.position;
        if (text) await write(text);
      }
      output.push(null);
    } catch (error) {
      output.destroy(error as Error);
    }
  })();
  void keepAlive(output, reached, { clock: deps.clock, stop });
  return output;
};

/** Sends the place of the stream from time to time. It also passes messages that the reader did not ask for. */
const keepAlive = async (
  output: Readable,
  reached: { readonly position: Position },
  { clock, stop }: { clock: Clock; stop: AbortSignal },
): Promise<void> => {
  while (!stop.aborted && !output.destroyed) {
    await clock.sleep(keepAliveMs, stop);
    if (!stop.aborted && !output.destroyed && !output.readableEnded) {
      output.push(positionEvent(reached.position));
    }
  }
  output.push(null);
};

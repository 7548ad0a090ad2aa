import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Credentials } from './credentials.ts';
import { ApiError, ConnectionError, reasonOf } from './errors.ts';
import type { Binding } from './exchange.ts';
import { createSigner, type Signer } from './hawk.ts';
import { backOffMs, parsed, pause } from './http.ts';
import { textOf, transport, type WireReply } from './transport.ts';

/** A message as the event stream carries it. */
export interface StreamedMessage<Payload = unknown> {
  /** The place after this message: pass it as `lastEventId` to continue there. */
  readonly id: string;
  readonly exchange: string;
  readonly routingKey: string;
  /** Further routing keys, without the `route.` before them. */
  readonly routes: readonly string[];
  readonly payload: Payload;
}

export interface FollowOptions {
  readonly rootUrl: string;
  readonly credentials?: Credentials | undefined;
  readonly authorizedScopes?: readonly string[] | undefined;
  readonly bindings: readonly Binding[];
  readonly signal?: AbortSignal | undefined;
  /** Messages after this one; without it, messages from now on. */
  readonly lastEventId?: string | undefined;
  /**
   * Called when the stream is open, also after each reconnection. Messages are missing only if `isGapless` is false: the
   * caller then has to read the present state in another way.
   */
  readonly onConnect?: ((connection: { readonly isGapless: boolean }) => void) | undefined;
  /** Called with a place to continue from when there are no messages that carry one. */
  readonly onPosition?: ((id: string) => void) | undefined;
  /** A connection that is silent for this long counts as broken. Default 60 s. */
  readonly silenceMaxMs?: number | undefined;
  /** Failed connections in a row before it gives up. Default 20, about a minute. */
  readonly retries?: number | undefined;
}

interface Connection {
  readonly reply: WireReply;
  /** Postpones the moment at which the connection counts as broken. */
  readonly keepAlive: () => void;
  readonly close: () => void;
}

/** A connection that ends with the caller's signal, or after too much silence. */
const connectionScope = ({ signal, silenceMaxMs = 60_000 }: FollowOptions) => {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  const giveUp = (): void =>
    controller.abort(new Error(`the event stream was silent for ${silenceMaxMs} ms`));
  let timer = setTimeout(giveUp, silenceMaxMs);
  return {
    signal: controller.signal,
    keepAlive: (): void => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, silenceMaxMs);
    },
    close: (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      controller.abort();
    },
  };
};

const connect = async (
  options: FollowOptions,
  signer: Signer | undefined,
  lastEventId: string | undefined,
): Promise<Connection> => {
  const url = new URL(`${options.rootUrl.replace(/\/+$/, '')}/api/events/v1/stream`);
  url.searchParams.set('bindings', JSON.stringify(options.bindings));
  const { signal, keepAlive, close } = connectionScope(options);
  try {
    const headers = {
      accept: 'text/event-stream',
      ...(signer ? { authorization: await signer.header('GET', url) } : {}),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    };
    const reply = await transport({ method: 'GET', url, headers, signal });
    if (reply.status === 200) return { reply, keepAlive, close };
    throw new ApiError(reply.status, parsed(await textOf(reply), reply.contentType), 'events.stream');
  } catch (error) {
    close();
    if (error instanceof ApiError) throw error;
    throw new ConnectionError(url.href, reasonOf(error), error);
  }
};

/** The server-sent events of one connection, until it ends. */
async function* eventsOf({ reply, keepAlive }: Connection): AsyncGenerator<EventSourceMessage> {
  const arrived: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => arrived.push(event) });
  const decoder = new TextDecoder();
  for await (const chunk of reply.bytes) {
    keepAlive();
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* arrived.splice(0);
  }
}

const isWorthAnotherTry = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.statusCode >= 500;

const delays = { firstDelayMs: 100, delayMaxMs: 5000 };

/**
 * Follows the messages that fit the bindings. It reconnects after a broken connection, and continues after the last message
 * that it has seen. It ends when the signal aborts, and throws when the server refuses or stays away.
 */
export async function* followEvents<Payload = unknown>(
  options: FollowOptions,
): AsyncGenerator<StreamedMessage<Payload>, void, undefined> {
  const { signal, retries = 20 } = options;
  const signer = options.credentials?.clientId
    ? createSigner(options.credentials, options.authorizedScopes)
    : undefined;
  let { lastEventId } = options;
  let failures = 0;
  while (!signal?.aborted) {
    let connection: Connection | undefined;
    try {
      connection = await connect(options, signer, lastEventId);
      failures = 0;
      options.onConnect?.({ isGapless: lastEventId !== undefined });
      for await (const event of eventsOf(connection)) {
        lastEventId = event.id ?? lastEventId;
        // Events that are not messages only give the present place in the stream.
        if (event.event !== undefined && event.event !== 'message') {
          if (event.id !== undefined) options.onPosition?.(event.id);
          continue;
        }
        yield { id: lastEventId ?? '', ...(JSON.parse(event.data) as Omit<StreamedMessage<Payload>, 'id'>) };
      }
    } catch (error) {
      if (signal?.aborted) return;
      // The server has forgotten the messages after our last one: start again, and say that some are missing.
      const isForgotten = error instanceof ApiError && error.statusCode === 410 && lastEventId !== undefined;
      if (isForgotten) lastEventId = undefined;
      else if (!isWorthAnotherTry(error) || failures >= retries) throw error;
    } finally {
      connection?.close();
    }
    await pause(backOffMs(failures++, delays), signal).catch(() => {});
  }
}

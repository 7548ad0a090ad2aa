import type { IncomingMessage, RequestOptions } from 'node:http';

/** One request as it goes over the wire. Redirects are not followed. */
export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}
export interface WireReply {
  readonly status: number;
  readonly contentType: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}
export type Transport = (request: WireRequest) => Promise<WireReply>;

async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  try {
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) yield read.value;
  } finally {
    await reader?.cancel().catch(() => {});
  }
}

/** What browsers have. */
export const fetchTransport: Transport = async ({ body, ...request }) => {
  const response = await fetch(request.url, {
    ...request,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    bytes: chunksOf(response.body),
  };
};

// Node's `fetch` takes twice as long, and opens a new connection after an aborted call, for which a server that is about to
// stop would wait.
const nodeHttp = globalThis.process?.getBuiltinModule?.('node:http');
const nodeHttps = globalThis.process?.getBuiltinModule?.('node:https');

const nodeRequestFor = () => {
  if (!nodeHttp || !nodeHttps) return undefined;
  const plain = new nodeHttp.Agent({ keepAlive: true });
  const secure = new nodeHttps.Agent({ keepAlive: true });
  return (url: URL, options: RequestOptions, onReply: (reply: IncomingMessage) => void) =>
    url.protocol === 'https:'
      ? nodeHttps.request(url, { ...options, agent: secure }, onReply)
      : nodeHttp.request(url, { ...options, agent: plain }, onReply);
};
const nodeRequest = nodeRequestFor();

// The server may close a connection just as it is used again: it has not seen the request then.
const isStale = (error: NodeJS.ErrnoException, wasReused: boolean): boolean =>
  wasReused && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

const nodeTransport = (request: WireRequest): Promise<WireReply> =>
  new Promise((resolve, reject) => {
    const { method, url, headers, body = '', signal } = request;
    const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    let isAnswered = false;
    const outgoing = nodeRequest?.(url, { method, signal, headers: { ...headers, ...length } }, (reply) => {
      isAnswered = true;
      resolve({
        status: reply.statusCode ?? 0,
        contentType: reply.headers['content-type'] ?? '',
        bytes: reply,
      });
    });
    outgoing?.on('error', (error: NodeJS.ErrnoException) => {
      // Once there is a reply, its bytes tell what happens.
      if (isAnswered) return;
      if (isStale(error, outgoing.reusedSocket) && !signal.aborted) resolve(nodeTransport(request));
      else reject(error);
    });
    outgoing?.end(body);
  });

/** The transport that is best on this platform. */
export const transport: Transport = nodeRequest ? nodeTransport : fetchTransport;

/** The whole reply as text. */
export const textOf = async ({ bytes }: WireReply): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytes) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
};

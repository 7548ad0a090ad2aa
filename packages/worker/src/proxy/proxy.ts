import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, BlockList, isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { type Credentials, createSigner } from '@taskyard/client';
import { privateAddressIn, publicLookup } from '../addresses/index.ts';
import type { Clock } from '../clock.ts';
import { later, minutes } from '../clock.ts';
import {
  readCredentials,
  type SigningCredentials,
  signingCredentials,
  TooLarge,
  textOf,
} from './given-credentials.ts';
import { type Target, targetOf } from './target.ts';

/** A server that signs the requests of one task. */
export interface TaskProxy {
  /** The URL for the task: `<url>/api/<service>/v1/…` reaches the service. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ProxyOptions {
  readonly clock: Clock;
  readonly rootUrl: string;
  /** Asked for each request, as they are renewed while a task runs. */
  readonly credentials: () => Credentials;
  /** The scopes to which each request is restricted. */
  readonly scopes: readonly string[];
  /** Where to listen: the address at which a container finds this machine, or undefined for the loopback one. */
  readonly containerAddress: string | undefined;
  /** Whether hosts that the task names may be outside of the public internet. */
  readonly allowsPrivateUrls: boolean;
}

interface Listening extends ProxyOptions {
  readonly signing: SigningCredentials;
}

// How containers find it, as the original's did; the engine gives them the name.
const containerName = 'taskcluster';
const containerPort = 80;

const loopback = '127.0.0.1';

const signedUrlLifeMs = minutes(60);

// They belong to one connection, or are made again for the next.
const connectionHeaders = new Set([
  'authorization',
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/**
 * Starts a proxy that only its task can use. On the loopback interface, which all programs of the machine
 * share, a secret in the URL tells its task from others; containers of a network of their own are told by
 * their addresses, so that they can use the bare name that old scripts know.
 */
export const startTaskProxy = async (options: ProxyOptions): Promise<TaskProxy> => {
  const { containerAddress: address = loopback } = options;
  const hasNetwork = address !== loopback;
  const prefix = hasNetwork ? '' : `/${randomBytes(24).toString('base64url')}`;
  const listening = { ...options, signing: signingCredentials(options.credentials) };
  const server = createServer((request, response) => {
    const isOurs = !hasNetwork || isNeighbour(request.socket, address);
    const path = request.url ?? '/';
    if (!isOurs || !path.startsWith(`${prefix}/`)) return refuse(response, 403, 'This is not your proxy.');
    answer(listening, { path: path.slice(prefix.length), request, response }).catch((error) => {
      if (error instanceof TooLarge && !response.headersSent) refuse(response, 413, 'The body is too large.');
      else response.destroy();
    });
  });
  server.requestTimeout = 0;
  const port = await listen(server, address);
  server.unref();
  return {
    url: `http://${hasNetwork ? containerName : loopback}${port === 80 ? '' : `:${port}`}${prefix}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

type Server = ReturnType<typeof createServer>;

const listenOn = async (server: Server, port: number, address: string): Promise<void> => {
  server.listen(port, address);
  await once(server, 'listening');
};

const listen = async (server: Server, address: string): Promise<number> => {
  if (address === loopback) await listenOn(server, 0, address);
  // The port that needs no naming may be taken, or not be ours to take.
  else
    await listenOn(server, containerPort, address)
      .catch(() => listenOn(server, 0, address))
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRNOTAVAIL') throw error;
        // Podman gives a network its address with its first container. Callers at other addresses are refused.
        return listenOn(server, 0, isIPv6(address) ? '::' : '0.0.0.0');
      });
  return (server.address() as AddressInfo).port;
};

/**
 * Whether a caller connected to this address of the machine from another member of the address's network. The network is looked
 * up for each caller, since one in which nothing runs yet has no address.
 */
const isNeighbour = (
  { remoteAddress: caller = '', localAddress }: Pick<Socket, 'remoteAddress' | 'localAddress'>,
  address: string,
): boolean => {
  if (localAddress !== address) return false;
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((one) => one.address === address);
  const [base = '', bits] = own?.cidr?.split('/') ?? [];
  if (!own || bits === undefined || caller === address) return false;
  const family = own.family === 'IPv6' ? 'ipv6' : 'ipv4';
  const members = new BlockList();
  members.addSubnet(base, Number(bits), family);
  return members.check(caller, family);
};

interface Exchange {
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const refuse = (response: ServerResponse, status: number, message: string): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ code: 'ProxyError', message })}\n`);
};

const answer = async (options: Listening, exchange: Exchange): Promise<void> => {
  const { path, request, response } = exchange;
  const method = request.method ?? 'GET';
  if (path === '/bewit') return signUrl(options, exchange);
  if (path === '/credentials') return takeCredentials(options, exchange);
  const target = targetOf(options.rootUrl, path);
  if (!target) return refuse(response, 404, `The proxy does not know ${path}; it takes /api/<service>/v1/…`);
  const signer = createSigner(options.signing.now(), options.scopes);
  const guard = target.isForeign && !options.allowsPrivateUrls;
  const refused = guard ? privateAddressIn(target.hostname) : undefined;
  if (refused !== undefined) return refuse(response, 403, privateMessage(refused));
  await forward(exchange, { method, target, guard, authorization: await signer.header(method, target) });
};

const privateMessage = (address: string): string =>
  `${address} is a private address, which proxies of this worker do not reach.`;

/** Takes other credentials, as the original's proxy does. Scopes stay restricted to those of the task. */
const takeCredentials = async ({ signing }: Listening, { request, response }: Exchange): Promise<void> => {
  if (request.method !== 'PUT') return refuse(response, 405, 'Credentials are put.');
  const credentials = readCredentials(await textOf(request));
  if (!credentials) {
    return refuse(response, 400, 'The body must be JSON with clientId, accessToken and perhaps certificate.');
  }
  signing.give(credentials);
  response.writeHead(200).end();
};

/** Returns a URL that was sent as the body, signed so that its holder may read there for an hour. */
const signUrl = async (
  { rootUrl, signing, scopes, clock }: Listening,
  { request, response }: Exchange,
): Promise<void> => {
  const body = (await textOf(request)).trim();
  const target = URL.canParse(body) ? new URL(body) : undefined;
  if (target?.origin !== new URL(rootUrl).origin)
    return refuse(response, 400, `The body must be a URL at ${rootUrl}.`);
  // It is never sent, and what follows it would not be either.
  target.hash = '';
  const signer = createSigner(signing.now(), scopes);
  const location = await signer.signedUrl(target, later(clock.now(), signedUrlLifeMs));
  response.writeHead(303, { location, 'content-type': 'text/plain' }).end(location);
};

interface Forwarding {
  readonly method: string;
  readonly target: Target;
  /** Whether the host must be one of the public internet. */
  readonly guard: boolean;
  readonly authorization: string;
}

const forward = async (
  { request, response }: Exchange,
  { method, target, guard, authorization }: Forwarding,
): Promise<void> => {
  const { protocol, hostname, port, host, pathname, search } = target;
  const send = protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = [...passedOn(request), ...framing(request), 'Host', host, 'Authorization', authorization];
  const outgoing = send({
    protocol,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    path: `${pathname}${search}`,
    method,
    headers,
    // A kept-alive connection might belong to another name.
    ...(guard ? { agent: false, lookup: publicLookup((address) => new Error(privateMessage(address))) } : {}),
  });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  // A task that hangs up must not leave its request behind.
  response.once('close', () => outgoing.destroy());
  const sent = pipeline(request, outgoing).catch(() => undefined);
  try {
    const [incoming] = await answered;
    response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, passedOn(incoming));
    await pipeline(incoming, response);
  } catch (error) {
    if (response.headersSent) throw error;
    refuse(response, 502, `The server did not answer: ${(error as Error).message}`);
  }
  await sent;
};

/** The headers as they were sent, each in its place: names, values, names, values. */
const passedOn = ({ rawHeaders }: IncomingMessage): string[] =>
  rawHeaders.filter((_, at) => !connectionHeaders.has(rawHeaders[at - (at % 2)]?.toLowerCase() ?? ''));

const withoutBody = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'];

/** How the length of a body is told: as its sender did. One who tells nothing sends none. */
const framing = ({ headers, method = 'GET' }: IncomingMessage): string[] => {
  if (headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked'];
  const isTold = headers['content-length'] !== undefined || withoutBody.includes(method);
  return isTold ? [] : ['Content-Length', '0'];
};

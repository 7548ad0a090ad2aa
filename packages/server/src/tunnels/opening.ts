import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { RequestError, slugid } from '../base/index.ts';
import { identifierPattern, type Upgrade } from '../http/index.ts';
import type { Context } from './context.ts';
import type { OpenTunnels } from './open-tunnels.ts';
import type { Peers } from './peers.ts';
import { refuseUpgrade } from './refusal.ts';
import type { TunnelVerbs } from './service.ts';
import { watchOver } from './standing.ts';
import { closeCodes, Tunnel, tunnelsPath } from './tunnel.ts';

/** The URL to which workers dial in: `…/open/<provisionerId>/<workerType>/<workerGroup>/<workerId>/<instance>`. */
const openPath = `${tunnelsPath}open/`;

/** The header with the tunnel's URL in the reply to a worker. */
const urlHeader = 'x-taskyard-tunnel';

/** The largest frame of a worker. HTTP/2 sends pieces of 16 KiB. */
const frameBytesMax = 1024 * 1024;

interface Opening {
  readonly context: Context;
  readonly open: OpenTunnels;
  readonly peers: Peers;
  readonly verbs: TunnelVerbs;
}

/** A worker that dials in, as the URL names it. Two processes with the same name have separate tunnels. */
interface Dialler {
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly tunnelId: string;
}

const readDialler = (url = ''): Dialler => {
  const parts = url.slice(openPath.length).split('/');
  const isRight = url.startsWith(openPath) && parts.length === 5;
  if (!isRight || !parts.every((part) => identifierPattern.test(part)))
    throw new RequestError('ResourceNotFound', 'No tunnel is opened here.');
  const [provisionerId, workerType, workerGroup = '', workerId = ''] = parts;
  // The name is proven, so no other client can get this id, which need not be secret.
  const tunnelId = createHash('sha256').update(parts.join('/')).digest('base64url').slice(0, 22);
  return { taskQueueId: `${provisionerId}/${workerType}`, workerGroup, workerId, tunnelId };
};

/** The scopes that a worker needs to claim work, since a tunnel shows only what the worker runs. */
const scopesOf = ({ taskQueueId, workerGroup, workerId }: Dialler) => ({
  AllOf: [`queue:claim-work:${taskQueueId}`, `queue:worker-id:${workerGroup}/${workerId}`],
});

const requireWorker = async (
  { authenticate }: Context,
  dialler: Dialler,
  { url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>,
): Promise<string> => {
  const caller = await authenticate({ method: 'GET', url, headers });
  const required = scopesOf(dialler);
  if (caller.satisfies(required)) return caller.clientId;
  throw new RequestError('InsufficientScopes', `A tunnel needs ${required.AllOf.join(' and ')}.`);
};

/** Accepts workers that dial in. */
export const openingOf = (opening: Opening): Upgrade => {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: frameBytesMax,
  });
  const urls = new WeakMap<IncomingMessage, string>();
  sockets.on('headers', (headers, request) => {
    headers.push(`${urlHeader}: ${urls.get(request)}`);
  });
  const take = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const { context, open, peers, verbs } = opening;
    const dialler = readDialler(request.url);
    const clientId = await requireWorker(context, dialler, request);
    open.requireRoom(clientId);
    const { tunnelId } = dialler;
    const named = { tunnelId, holder: slugid(), clientId, address: await peers.address() };
    // Written before the worker knows its URL, so that every viewer who gets the URL finds the tunnel.
    await verbs.registerTunnels.one(named);
    urls.set(request, `${context.rootUrl()}${tunnelsPath}${tunnelId}`);
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      hold(opening, { websocket, named, dialler, request });
    });
  };
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    take(request, socket, head).catch((error) => refuseUpgrade(socket, error, opening.context));
  };
};

interface DialledIn {
  readonly websocket: WebSocket;
  readonly named: ConstructorParameters<typeof Tunnel>[0];
  readonly dialler: Dialler;
  readonly request: IncomingMessage;
}

const hold = ({ context, open, verbs }: Opening, { websocket, named, dialler, request }: DialledIn): void => {
  const { clock, log } = context;
  const tunnel = new Tunnel(named, websocket, clock);
  open.add(tunnel);
  const { url = '', headers } = request;
  const requireStanding = async (authorization: string): Promise<void> => {
    await requireWorker(context, dialler, { url, headers: { ...headers, authorization } });
  };
  void watchOver(tunnel, { clock, requireStanding });
  void tunnel.closed.then((code) => {
    // The worker of a broken tunnel is expected to return, so its place is kept for some minutes.
    if (code !== closeCodes.ended) return;
    verbs.endTunnels.one(named).catch((err) => log.warn({ err }, 'a tunnel could not be forgotten'));
  });
};

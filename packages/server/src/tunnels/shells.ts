import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { RequestError } from '../base/index.ts';
import type { Upgrade } from '../http/index.ts';
import type { Context, TunnelLimits } from './context.ts';
import type { OpenTunnels } from './open-tunnels.ts';
import { refuseUpgrade } from './refusal.ts';
import { TunnelBroken, tunnelsPath } from './tunnel.ts';
import { isAway, keepAliveMs, tooMany } from './viewing.ts';

/** Who wants to speak with a shell: `/tunnels/<tunnelId>/shell/<token>`. */
export interface ShellAsking {
  readonly tunnelId: string;
  /** `/shell/<token>`: what the worker knows it by. */
  readonly path: string;
}

/** Opens the way to a shell; rejects with a refusal. What comes from the worker fails when the tunnel breaks. */
export type FindShell = (asking: ShellAsking) => Promise<Duplex>;

/** A frame of what somebody types or pastes. */
const frameBytesMax = 1024 * 1024;

export const noShell = (): RequestError =>
  new RequestError('ResourceNotFound', 'There is no such shell: its task has ended, or its worker has gone.');

/** What a URL asks for; undefined when it is not for a shell. */
export const readShellAsking = (url = ''): ShellAsking | undefined => {
  const [, tunnelId, path] = /^([\w-]+)(\/shell\/[\w-]+)$/.exec(url.slice(tunnelsPath.length)) ?? [];
  return url.startsWith(tunnelsPath) && tunnelId !== undefined && path !== undefined
    ? { tunnelId, path }
    : undefined;
};

/** The way to a shell of a worker whose tunnel this process holds; undefined when it holds none. */
export const shellHere = (
  open: OpenTunnels,
  limits: TunnelLimits,
  { tunnelId, path }: ShellAsking,
): Promise<Duplex> | undefined => {
  const tunnel = open.get(tunnelId);
  if (!tunnel) return undefined;
  if (tunnel.viewers >= limits.viewersPerTunnel) throw tooMany();
  return tunnel.speak(path).then((stream) => {
    if (!stream) throw noShell();
    return stream;
  });
};

/**
 * Takes in people who want to speak with shells, at most this many at once, and hands on what both sides say. Nothing of it is
 * looked at: the secret in the path is the worker's to know.
 */
export const takingShells = (
  context: Pick<Context, 'log'>,
  { viewersMax, find }: { viewersMax: number; find: FindShell },
): Upgrade => {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: frameBytesMax,
  });
  let speaking = 0;
  const take = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const asking = readShellAsking(request.url);
    if (!asking) throw noShell();
    if (speaking >= viewersMax) throw tooMany();
    speaking++;
    socket.once('close', () => speaking--);
    request.socket.setKeepAlive(true, keepAliveMs);
    const shell = await find(asking).catch((error) => {
      throw error instanceof TunnelBroken ? isAway() : error;
    });
    if (socket.destroyed) return void shell.destroy();
    // A wrong handshake is refused without a call: then the shell has no one to speak with.
    const leave = (): void => void shell.destroy();
    socket.once('close', leave);
    sockets.handleUpgrade(request, socket, head, (websocket) => {
      socket.off('close', leave);
      join(createWebSocketStream(websocket), shell);
    });
  };
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    take(request, socket, head).catch((error) => refuseUpgrade(socket, error, context));
  };
};

/** Hands on what each side says. When one has ended, and the other has heard all of it, both have. */
const join = (person: Duplex, shell: Duplex): void => {
  const end = (): void => {
    person.destroy();
    shell.destroy();
  };
  person.once('error', end).once('close', end);
  shell.once('error', end).once('close', () => {
    // A tunnel that breaks: what comes to its end is heard to its end.
    if (!shell.readableEnded) end();
  });
  person.pipe(shell);
  shell.pipe(person);
};

import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocket } from 'ws';
import { seconds } from '../base/index.ts';
import { takeUpgrades, type Upgrade } from '../http/index.ts';
import type { Context } from './context.ts';
import type { TunnelVerbs } from './service.ts';
import { noShell, type ShellAsking } from './shells.ts';
import { type Answer, passedOn, tunnelsPath } from './tunnel.ts';
import { type Asking, isAway, tooMany, type Viewing } from './viewing.ts';

const loopback = '127.0.0.1';
/** Longer than the time that the other process gives a worker to reply. */
const answerWithinMs = seconds(25);

/**
 * Connects the processes of a deployment. From its first tunnel on, each listens at its own address for requests of viewers
 * that reached another process. As at the public URL, anyone who knows the URL of a log may read it.
 */
export class Peers {
  readonly #context: Context;
  readonly #verbs: TunnelVerbs;
  readonly #viewing: Viewing;
  readonly #takeShell: Upgrade;
  #opened: Promise<{ server: Server; address: string }> | undefined;

  /** @param here serves the tunnels of this process, and leads to its shells */
  constructor(context: Context, verbs: TunnelVerbs, here: { viewing: Viewing; takeShell: Upgrade }) {
    this.#context = context;
    this.#verbs = verbs;
    this.#viewing = here.viewing;
    this.#takeShell = here.takeShell;
  }

  /** The URL of this process for others; empty when there are no others. */
  async address(): Promise<string> {
    if (!this.#context.hasPeers) return '';
    this.#opened ??= this.#open().catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return (await this.#opened).address;
  }

  /** Asks another process. Rejects with a refusal when it cannot be reached. */
  async ask(address: string, { tunnelId, path, method, range }: Asking, gone: AbortSignal): Promise<Answer> {
    if (address === '' || address === (await this.#opened)?.address) throw isAway();
    const url = `${address}${tunnelsPath}${tunnelId}${path}`;
    // A new connection each time: the other side may be closing one that was kept open.
    const options = { method, signal: gone, agent: false, headers: range ? { range } : {} };
    const sent = httpRequest(url, options);
    const cancel = this.#context.clock.after(answerWithinMs, () => sent.destroy(new Error('too late')));
    sent.end();
    const response = await once(sent, 'response').then(
      ([one]) => one as IncomingMessage,
      (err) => {
        if (!gone.aborted)
          this.#context.log.warn({ err, address }, 'another process does not answer for its tunnel');
        return undefined;
      },
    );
    cancel();
    const status = response?.statusCode;
    if (!response || status === 503) throw isAway();
    if (status === 429) throw tooMany();
    return { status: status ?? 0, headers: passedOn(response.headers), body: response };
  }

  /** Opens the way to a shell by another process. Rejects with a refusal when there is none. */
  async speak(address: string, { tunnelId, path }: ShellAsking): Promise<Duplex> {
    if (address === '' || address === (await this.#opened)?.address) throw isAway();
    const url = `${address.replace(/^http/, 'ws')}${tunnelsPath}${tunnelId}${path}`;
    const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: answerWithinMs });
    // From the first moment: what the shell says at once may arrive together with the consent.
    const stream = createWebSocketStream(socket);
    await new Promise<void>((resolve, reject) => {
      stream.once('error', () => reject(isAway()));
      socket.once('open', resolve);
      socket.once('unexpected-response', (request, { statusCode }) => {
        request.destroy();
        reject(statusCode === 404 ? noShell() : statusCode === 429 ? tooMany() : isAway());
        stream.destroy();
      });
    });
    return stream;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    const server = (await opened?.catch(() => undefined))?.server;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async #open(): Promise<{ server: Server; address: string }> {
    const { peerHost, log } = this.#context;
    const host = peerHost ?? (await this.#verbs.readOwnHost()) ?? loopback;
    const server = createServer((request, response) => void this.#viewing.answer(request, response));
    takeUpgrades(server, tunnelsPath, this.#takeShell);
    server.requestTimeout = 0;
    await listen(server, host).catch((err) => {
      log.warn({ err, host }, 'other machines cannot reach this process for live logs: set peerHost');
      return listen(server, loopback);
    });
    const { address, port } = server.address() as AddressInfo;
    return { server, address: `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}` };
  }
}

const listen = async (server: Server, host: string): Promise<void> => {
  server.listen(0, host);
  await once(server, 'listening');
};

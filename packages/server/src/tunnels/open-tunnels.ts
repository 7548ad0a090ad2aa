import { RequestError } from '../base/index.ts';
import type { TunnelLimits } from './context.ts';
import type { TunnelCounts } from './counts.ts';
import { closeCodes, type Tunnel } from './tunnel.ts';

/** The open tunnels of this process, within its limits. */
export class OpenTunnels {
  readonly #limits: TunnelLimits;
  readonly #counts: TunnelCounts;
  readonly #byId = new Map<string, Tunnel>();
  readonly #ofClient = new Map<string, number>();
  #isClosed = false;

  constructor(limits: TunnelLimits, counts: TunnelCounts) {
    this.#limits = limits;
    this.#counts = counts;
  }

  get all(): readonly Tunnel[] {
    return [...this.#byId.values()];
  }

  get(tunnelId: string): Tunnel | undefined {
    return this.#byId.get(tunnelId);
  }

  /** Refuses a client with too many tunnels, and all clients when this process is about to end. */
  requireRoom(clientId: string): void {
    if (this.#isClosed) throw new RequestError('ServiceUnavailable', 'This process is about to end.');
    const { tunnels, tunnelsPerClient } = this.#limits;
    if ((this.#ofClient.get(clientId) ?? 0) >= tunnelsPerClient)
      throw new RequestError('TooManyRequests', `A client may hold ${tunnelsPerClient} tunnels at once.`);
    if (this.#byId.size >= tunnels)
      throw new RequestError(
        'ServiceUnavailable',
        `This process holds ${tunnels} tunnels, which is its limit.`,
      );
  }

  /** Adds a tunnel, in place of an earlier one of the same worker. */
  add(tunnel: Tunnel): void {
    const { tunnelId, clientId } = tunnel;
    this.#byId.get(tunnelId)?.close(closeCodes.replaced);
    this.#byId.set(tunnelId, tunnel);
    this.#ofClient.set(clientId, (this.#ofClient.get(clientId) ?? 0) + 1);
    void tunnel.closed.then((code) => {
      this.#counts.ended(code);
      if (this.#byId.get(tunnelId) === tunnel) this.#byId.delete(tunnelId);
      const left = (this.#ofClient.get(clientId) ?? 1) - 1;
      if (left > 0) this.#ofClient.set(clientId, left);
      else this.#ofClient.delete(clientId);
    });
    if (this.#isClosed) tunnel.close(closeCodes.restart);
  }

  /** Closes all tunnels. Their workers open others, to another process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const ending = this.all;
    for (const tunnel of ending) tunnel.close(closeCodes.restart);
    await Promise.all(ending.map(({ closed }) => closed));
  }
}

import type { Tunnel } from '../tunnel/index.ts';
import type { OpenTerminal } from './conversation.ts';
import type { Shells } from './shells.ts';

/** Offers shells of tasks to people. */
export interface TaskShells {
  offer(open: OpenTerminal): {
    /** Resolves when shells can be opened there, by a websocket; rejects when they cannot. */
    readonly url: Promise<string>;
    /** Ends those that are open. The address leads nowhere from then on. */
    withdraw(): Promise<void>;
  };
}

/** Shells at addresses of the server, over the tunnel that leads back to this worker. */
export const openShellsByTunnel = (tunnel: Tunnel, shells: Shells): TaskShells => ({
  offer: (open) => {
    const { path, withdraw } = shells.offer(open);
    const held = tunnel.hold();
    return {
      url: held.url.then((url) => `${url}${path}`),
      withdraw: async () => {
        await withdraw();
        held.release();
      },
    };
  },
});

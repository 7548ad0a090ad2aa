import { type Tunnel, TunnelRefused } from '../tunnel/index.ts';
import { openDirectLogs } from './direct-logs.ts';
import type { LiveLogs } from './live-logs.ts';
import type { PublishedLogs } from './published-logs.ts';

const loopback = '127.0.0.1';

/**
 * Shows logs through the server, over a tunnel that answers with them and is open while there is something to show. Where
 * the server has no tunnels, as the original has none, they are shown at the loopback address of this machine.
 */
export const openLogsByTunnel = (tunnel: Tunnel, logs: PublishedLogs): LiveLogs => {
  let direct: Promise<LiveLogs> | undefined;
  return {
    publish: (log) => {
      const { path, withdraw } = logs.publish(log);
      const held = tunnel.hold();
      let withdrawDirect = (): void => {};
      const orDirectly = async (error: unknown): Promise<string> => {
        if (!(error instanceof TunnelRefused)) throw error;
        direct ??= openDirectLogs(loopback);
        const shown = (await direct).publish(log);
        withdrawDirect = shown.withdraw;
        return shown.url;
      };
      return {
        url: held.url.then((url) => `${url}${path}`, orDirectly),
        withdraw: () => {
          withdraw();
          withdrawDirect();
          held.release();
        },
      };
    },
    close: async () => {
      await (await direct)?.close();
    },
  };
};

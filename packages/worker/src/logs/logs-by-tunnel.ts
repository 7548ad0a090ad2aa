import { openTunnel, type Tunnel, type TunnelOptions, TunnelRefused } from '../tunnel/index.ts';
import { openDirectLogs } from './direct-logs.ts';
import type { LiveLogs } from './live-logs.ts';
import { PublishedLogs } from './published-logs.ts';

const loopback = '127.0.0.1';

/**
 * Shows logs through the server, over a tunnel that is open while there is something to show. Where the server has no
 * tunnels, as the original has none, they are shown at the loopback address of this machine.
 */
export const openLogsByTunnel = (options: Omit<TunnelOptions, 'answer'>): LiveLogs => {
  const logs = new PublishedLogs();
  const tunnel: Tunnel = openTunnel({
    ...options,
    answer: (request, begin) => logs.answer(request, begin),
  });
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
      await tunnel.close();
      await (await direct)?.close();
    },
  };
};

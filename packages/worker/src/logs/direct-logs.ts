import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { LiveLogs } from './live-logs.ts';
import { PublishedLogs } from './published-logs.ts';

/** Shows logs at an address of this machine, on a free port. */
export const openDirectLogs = async (host: string): Promise<LiveLogs> => {
  const logs = new PublishedLogs();
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/', headers } = request;
    logs
      .answer({ method, url, range: headers.range }, (status, head) => {
        response.writeHead(status, head);
        response.flushHeaders();
        return response;
      })
      .catch(() => response.destroy());
  });
  // Viewers of a silent task wait for as long as it is silent.
  server.requestTimeout = 0;
  server.listen(0, host);
  await once(server, 'listening');
  server.unref();
  const { port } = server.address() as AddressInfo;
  const origin = `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return {
    publish: (log) => {
      const { path, withdraw } = logs.publish(log);
      return { url: Promise.resolve(`${origin}${path}`), withdraw };
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

import { once } from 'node:events';
import { createServer } from 'node:http';
import { type MetricValues, metricsText } from '../base/index.ts';
import { type Place, urlOf } from './entrance.ts';

/** The server of the metrics. */
export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves `/metrics` on its own port: the values of all processes, read at each request. */
export const serveMetrics = async (
  place: Place,
  read: () => Promise<readonly (readonly MetricValues[])[]>,
): Promise<MetricsServer> => {
  const server = createServer(async (request, reply) => {
    if (request.url !== '/metrics') {
      reply.writeHead(404).end('There is only /metrics here.\n');
      return;
    }
    const text = metricsText(await read());
    reply.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  });
  server.listen({ host: place.host, port: place.port });
  await once(server, 'listening');
  return {
    url: `${urlOf(server, place.host)}/metrics`,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { App } from '../app.ts';
import { type Clock, seconds, systemClock } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { headerBytesMax, noteExpectation, readRestOfBodies, refuseUnreadable } from '../http/index.ts';
import { refuseUnknownPaths, refuseUrl } from './not-found.ts';
import { serveSite } from './site.ts';

/** Serves HTTP on connections that it is given. */
export interface HttpServer {
  take(socket: Socket): void;
  /** Replies to requests in progress and to further ones on open connections, and closes these when they are idle. */
  drain(): Promise<void>;
}

/** Creates the HTTP server, which does not listen. The clock limits a clean stop. */
export const createHttpServer = async (
  app: Pick<App, 'register'>,
  config: Config,
  clock: Clock = systemClock,
): Promise<HttpServer> => {
  const server = fastify({
    logger: false,
    http: { maxHeaderSize: headerBytesMax },
    trustProxy: config.trustProxy,
    keepAliveTimeout: 75_000,
    clientErrorHandler: refuseUnreadable,
    routerOptions: { maxParamLength: 8192, caseSensitive: true },
    frameworkErrors: (_error, { url }, reply) => refuseUrl(url, reply as unknown as FastifyReply),
  });
  readRestOfBodies(server, systemClock);
  serveSite(server, config);
  refuseUnknownPaths(server);
  app.register(server);
  await server.ready();
  // Node checks for slow requests from this event on. This server does not listen, so the event is emitted here.
  server.server.emit('listening');
  // Otherwise Node sends `100 Continue` before it is known whether the body is needed.
  server.server.on('checkContinue', (request, reply) => {
    noteExpectation(request);
    server.server.emit('request', request, reply);
  });
  // A client that ends its half of the connection right after its request still gets the reply.
  Object.assign(server.server, { httpAllowHalfOpen: true });
  const connections = watchConnections(server, clock);
  return {
    take: connections.take,
    drain: async () => {
      await connections.drain();
      server.server.close();
      await server.close();
    },
  };
};

interface Connection {
  /** The requests in progress. */
  readonly replies: Set<ServerResponse>;
  restsSince: number;
}

// A busy client sends its next request within this time. A connection must not be closed while its client is sending, so
// only connections that are idle for longer are closed.
const restMs = 250;

/** A clean stop waits this long for requests in progress, so that slow bodies do not block it. */
const drainWithinMs = seconds(20);

const watchConnections = ({ server }: FastifyInstance, clock: Clock) => {
  const connections = new Map<Socket, Connection>();
  let isDraining = false;

  // Before the request is handled, which may happen at once.
  server.prependListener('request', (request: IncomingMessage, reply: ServerResponse) => {
    const connection = connections.get(request.socket);
    if (!connection) return;
    connection.replies.add(reply);
    if (isDraining) reply.setHeader('connection', 'close');
    reply.once('close', () => {
      connection.replies.delete(reply);
      connection.restsSince = performance.now();
    });
  });

  const take = (socket: Socket): void => {
    // A client that sends no more may still wait for its reply. A connection from another process has lost this setting.
    socket.allowHalfOpen = true;
    connections.set(socket, { replies: new Set(), restsSince: performance.now() });
    socket.once('close', () => connections.delete(socket));
    server.emit('connection', socket);
  };

  const endThoseAtRest = (): void => {
    const now = performance.now();
    for (const [socket, { replies, restsSince }] of connections) {
      if (replies.size === 0 && now - restsSince >= restMs) socket.destroy();
    }
  };

  const drain = async (): Promise<void> => {
    isDraining = true;
    for (const reply of [...connections.values()].flatMap(({ replies }) => [...replies])) {
      if (!reply.headersSent) reply.setHeader('connection', 'close');
    }
    let isLate = false;
    const cancel = clock.after(drainWithinMs, () => {
      isLate = true;
    });
    for (endThoseAtRest(); connections.size > 0; endThoseAtRest()) {
      if (isLate) for (const socket of connections.keys()) socket.destroy();
      await systemClock.sleep(10);
    }
    cancel();
  };

  return { take, drain };
};

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { App } from '../app.ts';
import { type Clock, seconds, systemClock } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { headerBytesMax, noteExpectation, readRestOfBodies, refuseUnreadable } from '../http/index.ts';
import { answerNotFound, refuseUrl } from './not-found.ts';
import { serveSite } from './site.ts';

/** Speaks HTTP on connections that it is given. */
export interface HttpServer {
  take(socket: Socket): void;
  /** Returns what is under way and what still comes on open connections, and ends these as they come to rest. */
  drain(): Promise<void>;
}

/** Makes all that is served over HTTP ready; it listens nowhere by itself. The clock bounds a clean stop. */
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
  server.setNotFoundHandler(answerNotFound);
  app.register(server);
  await server.ready();
  // Node watches over slow requests from this event on; ours listens nowhere, so it must be told.
  server.server.emit('listening');
  // Otherwise Node tells those who wait to send their bodies before anybody knows whether these are wanted.
  server.server.on('checkContinue', (request, reply) => {
    noteExpectation(request);
    server.server.emit('request', request, reply);
  });
  // Who ends its half of a connection right behind its request is answered all the same.
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
  /** Requests that are being answered. */
  readonly replies: Set<ServerResponse>;
  restsSince: number;
}

// A client that is at work sends its next request within this time. Nobody can tell a client that the connection ends
// while it is sending: what rests for longer may be ended.
const restMs = 250;

/** A clean stop waits this long for what is under way; who sends a body byte by byte must not hold it up. */
const drainWithinMs = seconds(20);

const watchConnections = ({ server }: FastifyInstance, clock: Clock) => {
  const connections = new Map<Socket, Connection>();
  let isDraining = false;

  // Before the request is handled, which may be at once.
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
    // A client that has no more to say may still wait for its answer; a connection from another process has forgotten that.
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

import { once } from 'node:events';
import { createServer, isIP, type Server, type Socket } from 'node:net';

/** The port on which connections come in. */
export interface Entrance {
  readonly url: string;
  /** Lets nobody in any more; those who are inside stay. */
  close(): Promise<void>;
}

export interface Place {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Nothing is read from connections: another process will. */
  readonly isForOthers?: boolean;
}

/** Opens a port, and passes on every connection that comes in. */
export const openEntrance = async (
  { host, port, isForOthers = false }: Place,
  enter: (socket: Socket) => void,
): Promise<Entrance> => {
  const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: isForOthers };
  const server = createServer(options, enter).listen({ host, port });
  await once(server, 'listening');
  return {
    url: urlOf(server, host),
    close: async () => {
      // Right after the event loop has taken in who had come: closing would turn away who still waits to be let in.
      await new Promise((resolve) => setImmediate(resolve));
      server.close();
    },
  };
};

/** The URL of a server that listens. */
export const urlOf = (server: Server, host: string): string => {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  // An address that stands for every one of this machine is no address to be reached at.
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : isIP(host) === 6 ? `[${host}]` : host;
  return `http://${name}:${port}`;
};

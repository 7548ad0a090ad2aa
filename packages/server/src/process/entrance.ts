import { once } from 'node:events';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The port that accepts connections. */
export interface Entrance {
  /** Its URL: the address on which it listens, or one of this machine if it listens on all. */
  readonly url: string;
  /** All URLs at which it listens, the one above first. */
  readonly urls: readonly string[];
  /** Accepts no more connections; open ones stay. */
  close(): Promise<void>;
}

export interface Place {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Whether connections are passed to another process, so that nothing is read from them here. */
  readonly isForOthers?: boolean;
}

/** Opens a port, and calls back with every connection. */
export const openEntrance = async (
  { host, port, isForOthers = false }: Place,
  enter: (socket: Socket) => void,
): Promise<Entrance> => {
  const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: isForOthers };
  const server = createServer(options, enter).listen({ host, port });
  await once(server, 'listening');
  return {
    url: urlOf(server, host),
    urls: urlsOf(server, host),
    close: async () => {
      // Right after the event loop has accepted the waiting connections, since closing refuses those that still wait.
      await new Promise((resolve) => setImmediate(resolve));
      server.close();
    },
  };
};

/** The URL of a listening server: one that other machines can reach, if it listens for them. */
export const urlOf = (server: Server, host: string): string => urlsOf(server, host)[0] as string;

const urlsOf = (server: Server, host: string): string[] => {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return namesOf(host).map((name) => `http://${isIP(name) === 6 ? `[${name}]` : name}:${port}`);
};

/** The names of the addresses on which a server listens. Wildcard addresses are replaced, since clients cannot use them. */
const namesOf = (host: string): string[] => {
  if (host === '0.0.0.0') return [...addressesOfMachine(4), 'localhost'];
  if (host === '::') return [...addressesOfMachine(4), ...addressesOfMachine(6), 'localhost'];
  return [host];
};

/** The addresses of this machine that other machines can use, in the order of its network cards. */
const addressesOfMachine = (version: 4 | 6): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === `IPv${version}` && !internal)
    .map(({ address }) => address)
    // Link-local addresses need the name of the network card as well, or change at each start.
    .filter((address) => !/^(fe80:|169\.254\.)/.test(address));

import { once } from 'node:events';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The port on which connections come in. */
export interface Entrance {
  /** Where others reach it, if they may: the address that it listens on, or one of this machine if those are all. */
  readonly url: string;
  /** All addresses of this machine at which it listens, the one above first. */
  readonly urls: readonly string[];
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
    urls: urlsOf(server, host),
    close: async () => {
      // Right after the event loop has taken in who had come: closing would turn away who still waits to be let in.
      await new Promise((resolve) => setImmediate(resolve));
      server.close();
    },
  };
};

/** The URL of a server that listens: one at which other machines may reach it, where it listens for them. */
export const urlOf = (server: Server, host: string): string => urlsOf(server, host)[0] as string;

const urlsOf = (server: Server, host: string): string[] => {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return namesOf(host).map((name) => `http://${isIP(name) === 6 ? `[${name}]` : name}:${port}`);
};

/** The names of what a server listens on. An address that stands for every one of this machine is one that nobody can call. */
const namesOf = (host: string): string[] => {
  if (host === '0.0.0.0') return [...addressesOfMachine(4), 'localhost'];
  if (host === '::') return [...addressesOfMachine(4), ...addressesOfMachine(6), 'localhost'];
  return [host];
};

/** The addresses of this machine that other machines may know, those of its network cards in their order. */
const addressesOfMachine = (version: 4 | 6): string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === `IPv${version}` && !internal)
    .map(({ address }) => address)
    // Addresses that are made up for one cable: they need the name of the card as well, or change at each start.
    .filter((address) => !/^(fe80:|169\.254\.)/.test(address));

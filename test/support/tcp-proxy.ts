import { once } from 'node:events';
import { createServer, type Socket, connect as toServer } from 'node:net';
import { pause } from '@taskyard/patience';
import type { Ending } from './platform.ts';

/** Where a connection breaks: before the server has seen the commit, or after it has committed and before we hear so. */
export type Cut = 'before the commit' | 'after the commit';

/** A way to a PostgreSQL that breaks as it is told to. */
export interface TcpProxy {
  /** The database behind it, by this way. */
  readonly url: string;
  /** Breaks the connection of the next transaction that sends all of these texts; resolves when it has happened. */
  cutCommit(texts: readonly string[], cut: Cut): Promise<void>;
  /** Each chunk waits so long, in either direction. */
  delay(milliseconds: number): void;
  /** From now on nothing passes and nothing is refused, as when a cable was pulled; until {@link TcpProxy.flow}. */
  blackhole(): void;
  /** Lets everything pass; what has got lost before stays lost. */
  flow(): void;
  /** Resets all connections there are. */
  resetAll(): void;
}

interface Trap {
  readonly texts: readonly string[];
  readonly cut: Cut;
  readonly sprung: () => void;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** What the client has sent since its transaction began. */
  transaction: Buffer[];
  /** The trap that it has gone into: nothing reaches the client any more. */
  trap: Trap | undefined;
  withheld: string;
}

/** Cuts what a client of PostgreSQL sends into messages; only the first one has no letter before its length. */
const intoMessages = (): ((chunk: Buffer) => Buffer[]) => {
  let rest: Buffer = Buffer.alloc(0);
  let letters = 0;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const messages: Buffer[] = [];
    while (rest.length >= letters + 4 && rest.length >= letters + rest.readUInt32BE(letters)) {
      const length = letters + rest.readUInt32BE(letters);
      messages.push(rest.subarray(0, length));
      rest = rest.subarray(length);
      letters = 1;
    }
    return messages;
  };
};

/** The text of a simple query, such as `begin`. */
const queryIn = (message: Buffer): string =>
  message[0] === 0x51
    ? message
        .toString('latin1', 5, message.length - 1)
        .trim()
        .toLowerCase()
    : '';

const isOver = (answers: string): boolean => /C....(COMMIT|ROLLBACK)\0/s.test(answers);

/** Opens a way to the server that a URL names; it ends with the test. */
export const aTcpProxy = async (test: Ending, databaseUrl: string): Promise<TcpProxy> => {
  const target = new URL(databaseUrl);
  const links = new Set<Link>();
  const traps = new Set<Trap>();
  let delayMs = 0;
  let isBlackhole = false;

  const end = (link: Link): void => {
    links.delete(link);
    link.client.resetAndDestroy();
    link.server.destroy();
  };

  /** What the client sends. A trap is looked for at each commit: only then all of the transaction is known. */
  const forward = (link: Link, message: Buffer): void => {
    if (link.trap) return;
    const query = queryIn(message);
    if (query.startsWith('begin')) link.transaction = [];
    link.transaction.push(message);
    if (query === 'commit') {
      const sent = Buffer.concat(link.transaction);
      link.trap = [...traps].find(({ texts }) => texts.every((text) => sent.includes(text)));
      link.transaction = [];
    }
    if (!link.trap) return void link.server.write(message);
    traps.delete(link.trap);
    if (link.trap.cut === 'after the commit') return void link.server.write(message);
    end(link);
    link.trap.sprung();
  };

  /** What the server answers; in a trap, the answer to the commit tells that it is done. */
  const answer = (link: Link, chunk: Buffer): void => {
    if (!link.trap) return void link.client.write(chunk);
    link.withheld += chunk.toString('latin1');
    if (!isOver(link.withheld)) return;
    end(link);
    link.trap.sprung();
  };

  const passing = async (socket: Socket, pass: (chunk: Buffer) => void): Promise<void> => {
    for await (const chunk of socket) {
      if (delayMs > 0) await pause(delayMs);
      if (!isBlackhole) pass(chunk as Buffer);
    }
  };

  const open = (client: Socket): void => {
    const server = toServer({ port: Number(target.port), host: target.hostname, noDelay: true });
    const link: Link = { client, server, transaction: [], trap: undefined, withheld: '' };
    links.add(link);
    const messages = intoMessages();
    const ways = [
      passing(client, (chunk) => {
        for (const message of messages(chunk)) forward(link, message);
      }),
      passing(server, (chunk) => answer(link, chunk)),
    ];
    for (const way of ways) void way.catch(() => {}).then(() => links.has(link) && !isBlackhole && end(link));
  };

  const listener = createServer({ noDelay: true }, open).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  test.after(async () => {
    listener.close();
    for (const link of links) end(link);
  });
  const url = new URL(databaseUrl);
  url.port = String((listener.address() as { port: number }).port);
  return {
    url: url.href,
    cutCommit: (texts, cut) => new Promise((sprung) => traps.add({ texts, cut, sprung })),
    delay: (milliseconds) => {
      delayMs = milliseconds;
    },
    blackhole: () => {
      isBlackhole = true;
    },
    flow: () => {
      isBlackhole = false;
    },
    resetAll: () => {
      for (const link of links) end(link);
    },
  };
};

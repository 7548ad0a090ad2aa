import { once } from 'node:events';
import { createServer, type Socket, connect as toServer } from 'node:net';
import { pause } from '@taskyard/patience';
import type { Ending } from './platform.ts';

/** When a connection breaks: before the server has received the commit, or after it has committed and before it has told us. */
export type Cut = 'before the commit' | 'after the commit';

/** A proxy in front of a server, whose connections break when a test wants it. */
export interface TcpProxy {
  /** The server, reached through the proxy. */
  readonly url: string;
  /** Each chunk is delayed by this many milliseconds, in both directions. */
  delay(milliseconds: number): void;
  /** From now on nothing passes and nothing is refused, as when a cable was pulled; until {@link TcpProxy.flow}. */
  blackhole(): void;
  /** Lets everything pass again; what was lost before stays lost. */
  flow(): void;
  /** Resets all connections. */
  resetAll(): void;
}

/** A proxy that reads what passes, in front of PostgreSQL. */
export interface PostgresProxy extends TcpProxy {
  /** Breaks the connection of the next transaction that sends all of these texts; resolves when it has happened. */
  cutCommit(texts: readonly string[], cut: Cut): Promise<void>;
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
  /** The trap that its transaction is in: nothing reaches the client any more. */
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

/** A text that ends with a zero. */
const zeroEnded = (message: Buffer, start: number): string =>
  message.toString('latin1', start, message.indexOf(0, start));

/** Tells which statement a message of a client runs, such as `begin`; nothing for other messages. */
const statementsRun = (): ((message: Buffer) => string) => {
  const prepared = new Map<string, string>();
  const kinds: Readonly<Record<string, (message: Buffer) => string>> = {
    // A simple query.
    Q: (message) => zeroEnded(message, 5),
    // A statement gets a name, or none.
    P: (message) => {
      const name = zeroEnded(message, 5);
      prepared.set(name, zeroEnded(message, 5 + name.length + 1));
      return '';
    },
    // A statement gets its values, and runs at once.
    B: (message) => {
      const portal = zeroEnded(message, 5);
      return prepared.get(zeroEnded(message, 5 + portal.length + 1)) ?? '';
    },
  };
  return (message) => {
    const kind = String.fromCharCode(message[0] ?? 0);
    return (kinds[kind]?.(message) ?? '').trim().toLowerCase();
  };
};

const isOver = (answers: string): boolean => /C....(COMMIT|ROLLBACK)\0/s.test(answers);

/** The connections that pass through a proxy, and what becomes of them. */
class Links {
  delayMs = 0;
  isBlackhole = false;
  readonly #target: URL;
  readonly #isPostgres: boolean;
  readonly #links = new Set<Link>();
  readonly #traps = new Set<Trap>();

  constructor(target: URL, isPostgres: boolean) {
    this.#target = target;
    this.#isPostgres = isPostgres;
  }

  /** Connects a client to the server. */
  open(client: Socket): void {
    const { port, hostname } = this.#target;
    const server = toServer({ port: Number(port), host: hostname, noDelay: true });
    const link: Link = { client, server, transaction: [], trap: undefined, withheld: '' };
    this.#links.add(link);
    const ways = [
      this.#pass(client, this.#isPostgres ? this.#readInto(link) : (chunk) => void server.write(chunk)),
      this.#pass(server, (chunk) => this.#reply(link, chunk)),
    ];
    for (const way of ways)
      void way.catch(() => {}).then(() => this.#links.has(link) && !this.isBlackhole && this.#end(link));
  }

  cutCommit(texts: readonly string[], cut: Cut): Promise<void> {
    return new Promise((sprung) => this.#traps.add({ texts, cut, sprung }));
  }

  endAll(): void {
    for (const link of this.#links) this.#end(link);
  }

  #end(link: Link): void {
    this.#links.delete(link);
    link.client.resetAndDestroy();
    link.server.destroy();
  }

  async #pass(socket: Socket, pass: (chunk: Buffer) => void): Promise<void> {
    for await (const chunk of socket) {
      if (this.delayMs > 0) await pause(this.delayMs);
      if (!this.isBlackhole) pass(chunk as Buffer);
    }
  }

  #readInto(link: Link): (chunk: Buffer) => void {
    const [messages, statementOf] = [intoMessages(), statementsRun()];
    return (chunk) => {
      for (const message of messages(chunk)) this.#forward(link, message, statementOf(message));
    };
  }

  /** What the client sends. Traps are looked at when it commits: only then the whole transaction is known. */
  #forward(link: Link, message: Buffer, statement: string): void {
    // In a trap only the rest of the commit is still to come.
    if (link.trap) return void link.server.write(message);
    if (statement.startsWith('begin')) link.transaction = [];
    link.transaction.push(message);
    if (statement === 'commit') {
      const sent = Buffer.concat(link.transaction);
      link.trap = [...this.#traps].find(({ texts }) => texts.every((text) => sent.includes(text)));
      link.transaction = [];
    }
    if (!link.trap) return void link.server.write(message);
    this.#traps.delete(link.trap);
    if (link.trap.cut === 'after the commit') return void link.server.write(message);
    this.#end(link);
    link.trap.sprung();
  }

  /** What the server replies. In a trap, the reply to the commit tells that it is done. */
  #reply(link: Link, chunk: Buffer): void {
    if (!link.trap) return void link.client.write(chunk);
    link.withheld += chunk.toString('latin1');
    if (!isOver(link.withheld)) return;
    this.#end(link);
    link.trap.sprung();
  }
}

const listen = async (test: Ending, target: string, isPostgres: boolean): Promise<PostgresProxy> => {
  const url = new URL(target);
  const links = new Links(new URL(target), isPostgres);
  const listener = createServer({ noDelay: true }, (client) => links.open(client)).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  test.after(async () => {
    listener.close();
    links.endAll();
  });
  url.port = String((listener.address() as { port: number }).port);
  return {
    url: url.href,
    cutCommit: (texts, cut) => links.cutCommit(texts, cut),
    delay: (milliseconds) => {
      links.delayMs = milliseconds;
    },
    blackhole: () => {
      links.isBlackhole = true;
    },
    flow: () => {
      links.isBlackhole = false;
    },
    resetAll: () => links.endAll(),
  };
};

/** Opens a proxy to the PostgreSQL of a URL; it ends with the test. */
export const aPostgresProxy = (test: Ending, databaseUrl: string): Promise<PostgresProxy> =>
  listen(test, databaseUrl, true);

/** Opens a proxy to the server of a URL with a port; it ends with the test. */
export const aTcpProxy = (test: Ending, url: string): Promise<TcpProxy> => listen(test, url, false);

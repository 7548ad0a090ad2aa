import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type FromPlatform, type FromRun, type Reception, receptionFile } from './protocol.ts';

export interface ReceptionOptions {
  readonly data: string;
  /** Cancels the group of a killed run. */
  readonly abandon: (taskGroupId: string) => Promise<void>;
}

// The run that starts a platform connects at once. When no run connects, it was killed.
const firstRunWithinMs = 10_000;

/** A run that uses the platform. */
interface Guest {
  taskGroupId?: string;
  hasLeft: boolean;
}

const say = (socket: Socket, line: FromPlatform): void => void socket.write(`${JSON.stringify(line)}\n`);

/** Accepts the runs that share a platform as soon as it is ready, and notices when the last one has left. */
export class PlatformReception {
  /** Settles when the last run has left, or when none has connected. From then on none is accepted. */
  readonly emptied: Promise<void>;
  readonly #settle: () => void;
  readonly #options: ReceptionOptions;
  readonly #token = randomBytes(24).toString('hex');
  readonly #server: Server = createServer((socket) => this.#receive(socket));
  readonly #guests = new Set<Guest>();
  readonly #early: (() => void)[] = [];
  #isReady = false;
  #isClosing = false;

  private constructor(options: ReceptionOptions) {
    this.#options = options;
    let settle = (): void => {};
    this.emptied = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settle = settle;
  }

  /** Listens on a free port of the loopback device, and writes its address into the data folder. */
  static async open(options: ReceptionOptions): Promise<PlatformReception> {
    const reception = new PlatformReception(options);
    const server = reception.#server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const told: Reception = { port, token: reception.#token };
    const file = receptionFile(options.data);
    await rm(file, { force: true });
    await writeFile(file, JSON.stringify(told), { mode: 0o600 });
    return reception;
  }

  /** To be called when the platform is ready: accepts the runs that connected meanwhile. */
  letIn(): void {
    this.#isReady = true;
    for (const welcome of this.#early.splice(0)) welcome();
    setTimeout(() => this.#closeIfEmpty(), firstRunWithinMs).unref();
  }

  /**
   * Stops listening. To be called when the platform has ended: until then, a run that connects late is turned away and knows
   * that it has to wait.
   */
  async close(): Promise<void> {
    await rm(receptionFile(this.#options.data), { force: true });
    this.#server.close();
  }

  #receive(socket: Socket): void {
    const guest: Guest = { hasLeft: false };
    socket.on('error', () => {});
    createInterface(socket).on('line', (line) => this.#hear(socket, guest, JSON.parse(line) as FromRun));
    socket.once('close', () => void this.#part(guest));
  }

  #hear(socket: Socket, guest: Guest, line: FromRun): void {
    if (line.type === 'hello') this.#welcome(socket, guest, line.token);
    else if (!this.#guests.has(guest)) socket.destroy();
    else if (line.type === 'begin') {
      guest.taskGroupId = line.taskGroupId;
      say(socket, { type: 'begun' });
    } else this.#bidFarewell(socket, guest);
  }

  #welcome(socket: Socket, guest: Guest, token: string): void {
    if (this.#isClosing || token !== this.#token) {
      socket.destroy();
      return;
    }
    this.#guests.add(guest);
    const welcome = (): void => say(socket, { type: 'welcome' });
    if (this.#isReady) welcome();
    else this.#early.push(welcome);
  }

  #bidFarewell(socket: Socket, guest: Guest): void {
    guest.hasLeft = true;
    this.#guests.delete(guest);
    this.#closeIfEmpty();
    // The last run waits until the platform has ended, which closes its connection.
    if (!this.#isClosing) socket.end();
  }

  /** Cancels the group of a run whose connection has ended without a goodbye. */
  async #part(guest: Guest): Promise<void> {
    if (guest.hasLeft || !this.#guests.has(guest)) return;
    const { taskGroupId } = guest;
    // If it cannot be canceled now, the next platform on this folder does that.
    if (taskGroupId !== undefined) await this.#options.abandon(taskGroupId).catch(() => {});
    this.#guests.delete(guest);
    this.#closeIfEmpty();
  }

  #closeIfEmpty(): void {
    if (this.#guests.size > 0) return;
    this.#isClosing = true;
    this.#settle();
  }
}

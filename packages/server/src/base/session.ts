import pg from 'pg';
import { MessageWriter } from './message-writer.ts';
import { socketOf } from './servers.ts';
import { columnsFrom, rowOf, type Statement } from './statement.ts';
import { formatOf, writeValue } from './values.ts';

/** What a statement returned. */
export interface Result {
  readonly rows: readonly Record<string, unknown>[];
  /** What PostgreSQL did, such as `COMMIT` or `INSERT 0 1`. */
  readonly command: string;
}

/** A statement that was given to a session, and what it has returned so far. */
interface Run {
  readonly statement: Statement;
  readonly values: readonly unknown[];
  readonly rows: Record<string, unknown>[];
  command: string;
  /** Whether it was sent together with the request to prepare it under its name. */
  prepares: boolean;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * What a session knows of a statement's name: `sent` until PostgreSQL has answered, `unsure` when it was asked to prepare
 * the statement and an error followed.
 */
type Preparation = 'sent' | 'prepared' | 'unsure';

/**
 * Runs statements on a connection. Those of one turn of the event loop are sent as one message and answered as one, since
 * system calls cost more than statements. When one of them fails, PostgreSQL passes over the rest of them.
 */
export class Session {
  readonly #client: pg.ClientBase;
  readonly #preparations: Map<string, Preparation> | undefined;
  #waiting: Run[] = [];

  /** @param isShared whether the connection leads to a pooler, so that no statement may be known by its name */
  constructor(client: pg.ClientBase, isShared: boolean) {
    this.#client = client;
    this.#preparations = isShared ? undefined : new Map();
  }

  /** Runs a statement after those that were given before. */
  run(statement: Statement, values: readonly unknown[] = []): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statement, values, rows: [], command: '', prepares: false, resolve, reject });
      if (this.#waiting.length === 1) process.nextTick(() => this.#send());
    });
  }

  /** Runs a statement even when those that were given before fail: it is not sent in one message with them. */
  runApart(statement: Statement): Promise<Result> {
    this.#send();
    return this.run(statement);
  }

  #send(): void {
    const runs = this.#waiting;
    if (runs.length === 0) return;
    this.#waiting = [];
    this.#client.query(new Group(this.#client, runs, this.#preparations) as unknown as pg.Submittable);
  }
}

/** The kinds of messages that are sent. */
const messages = { parse: 'P', bind: 'B', describe: 'D', execute: 'E', close: 'C', sync: 'S' } as const;

const writer = new MessageWriter();

const writeMessage = (kind: keyof typeof messages, write: () => void): void => {
  writer.byte(messages[kind].charCodeAt(0));
  writer.measured(write, { countsItself: true });
};

const aborted = (): Error =>
  Object.assign(new Error('A statement before this one failed, so it was passed over.'), { code: '25P02' });

/** The driver's interface of its own queries, which its types do not tell. */
const DriverQuery = pg.Query as unknown as new (config: { text: string }) => object;

/** Statements that are sent together. The driver calls its methods as those of one of its queries. */
class Group extends DriverQuery {
  readonly #client: pg.ClientBase;
  readonly #preparations: Map<string, Preparation> | undefined;
  #runs: readonly Run[];
  /** The index of the statement whose answer comes next. */
  #current = 0;

  constructor(
    client: pg.ClientBase,
    runs: readonly Run[],
    preparations: Map<string, Preparation> | undefined,
  ) {
    super({ text: '' });
    this.#client = client;
    this.#runs = runs;
    this.#preparations = preparations;
  }

  /** Sends the statements. Returns an error, for the driver, when there is none to send. */
  submit(): Error | null {
    const preparedHere = new Set<string>();
    for (const [i, run] of this.#runs.entries()) {
      const { length } = writer;
      try {
        this.#write(run, preparedHere);
      } catch (error) {
        // A value cannot be written: nothing after it may take effect.
        writer.rewind(length);
        this.#fail(i, error);
        this.#runs = this.#runs.slice(0, i);
        if (i === 0) return error as Error;
        break;
      }
    }
    writeMessage('sync', () => {});
    const message = writer.take();
    const socket = socketOf(this.#client);
    if (socket.writable) socket.write(message);
    return null;
  }

  handleRowDescription({ fields }: { fields: pg.FieldDef[] }): void {
    const run = this.#runs[this.#current];
    if (run) run.statement.columns = columnsFrom(fields);
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const run = this.#runs[this.#current];
    run?.rows.push(rowOf(run.statement.columns, fields));
  }

  handleCommandComplete({ text }: { text: string }): void {
    const run = this.#runs[this.#current++];
    if (!run) return;
    run.command = text;
    if (run.prepares) this.#preparations?.set(run.statement.name, 'prepared');
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  /** Outside of a transaction, statements are committed only now. */
  handleReadyForQuery(): void {
    for (const run of this.#runs) run.resolve(run);
  }

  handleError(error: unknown): void {
    const isOfStatement = error instanceof pg.DatabaseError && this.#current < this.#runs.length;
    if (!isOfStatement) {
      for (const run of this.#runs) run.reject(error);
      return;
    }
    for (const run of this.#runs.slice(0, this.#current)) run.resolve(run);
    this.#fail(this.#current, error);
  }

  /** A statement failed, and those after it were passed over. */
  #fail(index: number, error: unknown): void {
    for (const [i, run] of this.#runs.entries()) {
      if (i < index) continue;
      if (run.prepares) this.#preparations?.set(run.statement.name, 'unsure');
      run.reject(i === index ? error : aborted());
    }
  }

  #write(run: Run, preparedHere: Set<string>): void {
    const { statement, values } = run;
    const name = this.#prepare(run, preparedHere);
    const sent = values.map((value, i) => {
      const elementType = statement.elementTypes[i];
      return { value, elementType, format: formatOf(value, elementType) };
    });
    writeMessage('bind', () => {
      writer.zeroEnded('');
      writer.zeroEnded(name);
      writer.int16(sent.length);
      for (const { format } of sent) writer.int16(format);
      writer.int16(sent.length);
      for (const { value, ...how } of sent) writeValue(writer, value, how);
      // All results come as text.
      writer.int16(0);
    });
    if (name === '' || run.prepares) writeMessage('describe', () => writer.zeroEnded('P'));
    writeMessage('execute', () => {
      writer.zeroEnded('');
      writer.int32(0);
    });
  }

  /** Asks PostgreSQL to prepare a statement unless it has done so. Returns the name under which it will be known. */
  #prepare(run: Run, preparedHere: Set<string>): string {
    const { name, text } = run.statement;
    const known = this.#preparations?.get(name);
    if (known === 'prepared' || preparedHere.has(name)) return name;
    // An earlier group has asked for it, and may fail before that: this one does without the name.
    const isNamed = this.#preparations !== undefined && known !== 'sent';
    if (isNamed) {
      run.prepares = true;
      preparedHere.add(name);
      this.#preparations?.set(name, 'sent');
      if (known === 'unsure') writeMessage('close', () => writer.zeroEnded(`S${name}`));
    }
    writeMessage('parse', () => {
      writer.zeroEnded(isNamed ? name : '');
      writer.zeroEnded(text);
      writer.int16(0);
    });
    return isNamed ? name : '';
  }
}

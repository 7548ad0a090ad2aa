import { openSync, readFileSync } from 'node:fs';
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import { aHome, type Ending, type Platform } from '../support/platform.ts';
import { aPostgres, type Postgres } from '../support/postgres.ts';
import { attributesOf, headerOf, type Keys } from './hawk.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** What the text says, where it is JSON. */
  readonly body: { readonly [name: string]: unknown };
}

export interface Asked {
  readonly method?: string;
  /** As it goes over the wire: nothing resolves `..` or encodes anything. */
  readonly path: string;
  /** The signer; an anonymous request without it. */
  readonly as?: Keys;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent as JSON, unless it is text or bytes. */
  readonly body?: unknown;
}

/** A platform to attack: what it answers, what it logs, what it holds. */
export interface Site {
  readonly root: Keys;
  readonly port: number;
  readonly platform: Platform;
  readonly postgres: Postgres;
  ask(asked: Asked): Promise<Answer>;
  /** What root does in preparation: fails unless it is a success. */
  prepare(method: string, path: string, body?: unknown): Promise<Answer>;
  /** A digest of all rows of all tables, by table; of those columns that only a call that succeeds may change. */
  state(): Promise<Readonly<Record<string, string>>>;
  log(): string;
  /** The server's resident memory in MiB; 0 where the system does not tell. */
  memoryMiB(): number;
}

/** Tables that change by themselves. */
const restless = [
  'auth_versions',
  'deadline_cursor',
  'outbox_trim',
  'relay',
  'provisioning_rounds',
  'subscriptions',
];

const digestAll = async (client: pg.Client): Promise<Record<string, string>> => {
  const { rows } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables
      where table_schema = 'public' and table_name <> all($1) order by 1`,
    [restless],
  );
  const digests: Record<string, string> = {};
  for (const { name } of rows) {
    // When a client was last used, and a worker last seen, is noted by calls that are refused as well.
    const { rows: digest } = await client.query<{ digest: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(row, ',' order by row)), '') as digest
         from (select (to_jsonb(t) - 'last_date_used' - 'last_date_active')::text as row from "${name}" t) rows`,
    );
    digests[name] = digest[0]?.digest ?? '';
  }
  return digests;
};

/** Starts a platform whose log and database can be looked into. It ends with the test. */
export const aSite = async (test: Ending, env: Readonly<Record<string, string>> = {}): Promise<Site> => {
  const home = await aHome(test);
  const postgres = await aPostgres(test);
  const logPath = join(home.path, 'server.log');
  const settings = { WORKER: 'false', LOG_LEVEL: 'warn', DATABASE_URL: postgres.url, ...env };
  const platform = await home.start(settings, openSync(logPath, 'w'));
  const port = Number(new URL(platform.rootUrl).port);
  const database = new pg.Client({ connectionString: postgres.url });
  // PostgreSQL ends before us, and says so.
  database.on('error', () => {});
  await database.connect();
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  test.after(async () => {
    agent.destroy();
    await database.end();
  });
  const ask = (asked: Asked) => send(agent, port, asked);
  const root = platform.credentials;
  return {
    root,
    port,
    platform,
    postgres,
    ask,
    prepare: async (method, path, body) => {
      const answer = await ask({ method, path, as: root, body });
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      return answer;
    },
    state: async () => {
      // Workers that were seen are written a little later, but before anybody reads of them: so nothing of earlier calls is
      // on its way when the rows are read.
      await ask({ method: 'GET', path: '/api/queue/v1/task-queues?limit=1', as: root });
      return digestAll(database);
    },
    log: () => readFileSync(logPath, 'utf8'),
    memoryMiB: () => residentMiB(platform.process.pid),
  };
};

const residentMiB = (pid: number | undefined): number => {
  try {
    const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  } catch {
    return 0;
  }
};

const payloadOf = (body: unknown): Buffer | undefined => {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
};

/** What is larger goes over a connection of its own, once the server has not refused it by its headers. */
const pieceBytes = 2 ** 16;

const headersOf = (
  { as, method = 'GET', path, headers }: Asked,
  port: number,
  payload: Buffer | undefined,
) => ({
  ...(payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {}),
  ...(as ? { authorization: headerOf(attributesOf(as, { method, path, port })) } : {}),
  ...headers,
});

const attemptsMax = 5;

const send = (agent: Agent, port: number, asked: Asked, attempt = 1): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', path } = asked;
    const payload = payloadOf(asked.body);
    const isLarge = payload !== undefined && payload.length > pieceBytes;
    const sent = request({
      agent: isLarge ? false : agent,
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...headersOf(asked, port, payload), ...(isLarge ? { expect: '100-continue' } : {}) },
    });
    let isAnswered = false;
    sent.on('response', (reply) => {
      isAnswered = true;
      read(reply).then(resolve, reject);
    });
    sent.on('error', (error: Error & { code?: string }) => {
      // The server ended a connection that rested just as it was taken up again: nothing was read of this.
      if (sent.reusedSocket && error.code === 'ECONNRESET') send(agent, port, asked).then(resolve, reject);
      // The server refuses what is too large before it has read it all: its answer may be lost to who is still writing.
      else if (
        isLarge &&
        !isAnswered &&
        /^(EPIPE|ECONNRESET)$/.test(error.code ?? '') &&
        attempt < attemptsMax
      )
        send(agent, port, asked, attempt + 1).then(resolve, reject);
      // Where there was an answer already, it tells more than that the rest was not taken.
      else if (!isAnswered) reject(error);
    });
    if (payload && isLarge) sent.once('continue', () => void sendInPieces(sent, payload));
    else sent.end(payload);
  });

const sendInPieces = async (sent: ClientRequest, payload: Buffer): Promise<void> => {
  let isAnswered = false;
  sent.once('response', () => {
    isAnswered = true;
  });
  for (let i = 0; i < payload.length && !isAnswered && !sent.destroyed; i += pieceBytes) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!isAnswered) sent.write(payload.subarray(i, i + pieceBytes));
  }
  if (!isAnswered) sent.end();
};

const read = async (reply: IncomingMessage): Promise<Answer> => {
  const status = reply.statusCode ?? 0;
  // A stream has no end: that it began is the answer.
  if (reply.headers['content-type']?.startsWith('text/event-stream')) {
    reply.destroy();
    return { status, text: '', body: {} };
  }
  const text = (await buffer(reply)).toString();
  return { status, text, body: parse(text) };
};

const parse = (text: string): { readonly [name: string]: unknown } => {
  try {
    return JSON.parse(text) as { readonly [name: string]: unknown };
  } catch {
    return {};
  }
};

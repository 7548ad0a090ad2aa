// A process that serves the API on the connections that its parent, `api-processes.ts`, passes to it.
import type { Socket } from 'node:net';
import { createLog, type MetricValues, runLoops, systemClock } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { LocalSettings } from '../worker-manager/index.ts';
import { createHttpServer, type HttpServer } from './http-server.ts';
import { openApp } from './open-app.ts';
import { readSecrets } from './own-secrets.ts';

/** The first message of the parent. */
export interface ApiProcessSettings {
  readonly name: string;
  readonly config: Config;
  readonly databaseUrl: string;
  readonly rootUrl: string;
  readonly local?: LocalSettings | undefined;
}

/** The messages of the parent. `connection` comes with a connection. */
export type ToApiProcess =
  | ({ readonly say: 'start' } & ApiProcessSettings)
  | { readonly say: 'connection' }
  | { readonly say: 'metrics'; readonly id: number }
  | { readonly say: 'leave' }
  | { readonly say: 'drain' };

/** The messages of the process. */
export type FromApiProcess =
  | { readonly say: 'ready' }
  | { readonly say: 'failed'; readonly message: string }
  | { readonly say: 'metrics'; readonly id: number; readonly values: readonly MetricValues[] };

interface Serving {
  readonly http: HttpServer;
  leave(): void;
  readMetrics(): Promise<readonly MetricValues[]>;
  drain(): Promise<void>;
}

const say = (message: FromApiProcess): Promise<void> =>
  new Promise((resolve) => process.send?.(message, () => resolve()));

const serve = async ({ name, config, databaseUrl, rootUrl, local }: ApiProcessSettings): Promise<Serving> => {
  const log = createLog({ level: config.logLevel, processName: name });
  const secrets = await readSecrets(config);
  const { app, recovered, metrics, leave, close } = await openApp(config, {
    databaseUrl,
    log,
    secrets,
    isAlone: false,
    processName: name,
    local,
    rootUrl: () => rootUrl,
  });
  const http = await createHttpServer(app, config);
  const loops = runLoops(app.loopsOfEachProcess, { clock: systemClock, log, recovered });
  return {
    http,
    leave,
    readMetrics: metrics.read,
    drain: async () => {
      await app.drain();
      await http.drain();
      await loops.stop();
      await close();
    },
  };
};

const start = async (settings: ApiProcessSettings): Promise<Serving> => {
  try {
    const serving = await serve(settings);
    await say({ say: 'ready' });
    return serving;
  } catch (error) {
    await say({ say: 'failed', message: (error as Error).message });
    process.exit(1);
  }
};

let serving: Promise<Serving> | undefined;

const hear = async (message: ToApiProcess, connection: Socket | undefined): Promise<void> => {
  if (message.say === 'start') serving = start(message);
  const here = await serving;
  if (!here) return;
  if (message.say === 'connection' && connection) here.http.take(connection);
  if (message.say === 'metrics') {
    await say({ say: 'metrics', id: message.id, values: await here.readMetrics() });
  }
  if (message.say === 'leave') here.leave();
  if (message.say === 'drain') {
    await here.drain();
    process.exit(0);
  }
};

process.on('message', (message, connection) => void hear(message as ToApiProcess, connection as Socket));
// The parent was killed. It had the port, and perhaps the database.
process.on('disconnect', () => process.exit(1));
// A terminal sends these to all processes, but the parent decides when this one ends, since its worker may need the API.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

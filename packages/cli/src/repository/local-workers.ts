import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { slugid } from '@taskyard/client';
import type { Worker, WorkerConfig } from '@taskyard/worker';
import type { Platform } from '../platform.ts';
import type { CheckoutRules } from './checkout-rules.ts';

export interface LocalWorkersOptions {
  readonly platform: Platform;
  /** Below it each queue has a folder, whose caches later runs find. */
  readonly folder: string;
  /** What tasks may read beside the system. */
  readonly project: string;
  /** What they must not read. */
  readonly hidden: readonly string[];
  readonly checkout: CheckoutRules;
  /** Whether this machine can run tasks with images. */
  readonly hasContainers: boolean;
}

/** A key for chains of trust, for one run. It is outside of everything that tasks are shown. */
const makeSigningKey = async (): Promise<{ folder: string; path: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-key-'));
  const path = join(folder, 'key.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return { folder, path };
};

/** Workers of one run, one for each task queue that it comes upon. */
export class LocalWorkers {
  readonly #options: LocalWorkersOptions;
  readonly #workers = new Map<string, Promise<Worker | undefined>>();
  readonly #key = makeSigningKey();
  #brokenContainers: string | undefined;
  /** Why there is no worker for some queues, by their names. */
  readonly failures = new Map<string, string>();

  constructor(options: LocalWorkersOptions) {
    this.#options = options;
  }

  /** Starts a worker for a queue, unless there is one. Resolves when it has started, or to why it cannot take such tasks. */
  async serve(taskQueueId: string, format: 'docker' | 'generic'): Promise<string | undefined> {
    const starting = this.#workers.get(taskQueueId) ?? this.#begin(taskQueueId);
    this.#workers.set(taskQueueId, starting);
    const worker = await starting;
    if (worker && format === 'docker' && worker.state.engine !== 'docker')
      return `the container engine cannot be used: ${this.#brokenContainers}`;
    return this.failures.get(taskQueueId);
  }

  async #begin(taskQueueId: string): Promise<Worker | undefined> {
    if (this.#options.hasContainers && this.#brokenContainers === undefined) {
      try {
        return await this.#start(taskQueueId, 'docker');
      } catch (error) {
        this.#brokenContainers = (error as Error).message;
      }
    }
    return this.#start(taskQueueId, undefined).catch((error: Error) => {
      this.failures.set(taskQueueId, `no worker for ${taskQueueId} can be started: ${error.message}`);
      return undefined;
    });
  }

  /** Ends all of them: what they still run is run again elsewhere, or canceled by then. */
  async stop(): Promise<void> {
    const workers = await Promise.all(this.#workers.values());
    await Promise.all(workers.map((worker) => worker?.stop()));
    const { folder } = await this.#key;
    await rm(folder, { recursive: true, force: true });
  }

  async #start(taskQueueId: string, engine: 'docker' | undefined): Promise<Worker> {
    const { readWorkerConfig, startWorker } = await import('@taskyard/worker');
    const { platform, project, hidden, folder, checkout } = this.#options;
    const { clientId, accessToken } = platform.credentials ?? {};
    const { path: signingKeyPath } = await this.#key;
    const name = taskQueueId.replace('/', '-');
    const open = async (workDir: string): Promise<Worker> => {
      const given = {
        rootUrl: platform.rootUrl,
        clientId,
        accessToken,
        taskQueueId,
        workerGroup: 'local',
        workerId: slugid(),
        capacity: Math.min(32, availableParallelism()),
        workDir,
        readOnlyPaths: [project, ...checkout.paths],
        hiddenPaths: [...hidden],
        signingKeyPath,
      } as Partial<WorkerConfig>;
      const options = readWorkerConfig(given);
      const worker = startWorker({
        ...options,
        // A queue may hold tasks with images and others.
        ...(engine && { engine, plainEngine: options.engine ?? 'auto' }),
        environment: checkout.environment,
        // What it has published leads there, and the user has named it.
        ...(platform.upstreamUrl !== undefined && { otherServers: [platform.upstreamUrl] }),
        containers: { ...options.containers, shownPaths: checkout.paths },
      });
      await worker.started;
      return worker;
    };
    // Another run may have the folder at the moment.
    return open(join(folder, name)).catch(() => open(join(folder, `${name}-${slugid()}`)));
  }
}

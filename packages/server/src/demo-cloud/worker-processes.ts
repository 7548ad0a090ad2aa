import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, seconds, systemClock } from '../base/index.ts';
import type { Instance } from './instance.ts';
import type { Machine } from './state.ts';

export interface WorkerProcesses {
  /** A program and its arguments: a worker of kind `aws`. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Holds a folder for each machine's files. */
  readonly folder: string;
  readonly clock?: Clock;
  /** Their logs are thrown away. */
  readonly isSilent?: boolean;
}

const killAfterMs = seconds(5);

/** Machines that are processes: each runs a worker, which finds its metadata where the environment says. */
export const workerProcesses =
  ({ command, environment, folder, clock = systemClock, isSilent = false }: WorkerProcesses) =>
  ({ id }: Instance, metadataEndpoint: string): Machine => {
    const [program = '', ...words] = command;
    const home = join(folder, id);
    const child = spawn(program, words, {
      env: {
        ...environment,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: metadataEndpoint,
        TASKYARD_WORKER_DIR: home,
      },
      // The pipe closes when this process ends, for any reason, and then the worker ends too.
      stdio: ['pipe', 'ignore', isSilent ? 'ignore' : 'inherit'],
    });
    const ended = Promise.race([once(child, 'exit'), once(child, 'error')]).then(() =>
      rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }).catch(() => undefined),
    );
    return {
      ended,
      end: async () => {
        child.kill('SIGTERM');
        const cancel = clock.after(killAfterMs, () => child.kill('SIGKILL'));
        await ended;
        cancel();
      },
    };
  };

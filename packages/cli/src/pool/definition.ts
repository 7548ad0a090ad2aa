import { ApiError, type CreateWorkerPoolRequest, WorkerManager, type WorkerPoolFull } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { readDocument } from '../input.ts';
import { type Io, say, sayJson } from '../io.ts';

const managerOf = (io: Io, options: ConnectedOptions): WorkerManager =>
  new WorkerManager({ ...serverOf(io, options), retries: 3 });

/** The format of `pool set`, so that a pool can be shown, edited and set again. */
const definitionOf = ({ providerId, description, config, owner, emailOnError }: WorkerPoolFull) => ({
  providerId,
  description,
  owner,
  emailOnError,
  config,
});

/** `taskyard pool show <workerPoolId>` */
export const showCommand = (io: Io): Command =>
  connectedCommand('show')
    .description('Show the definition of a worker pool, as "pool set" takes it.')
    .argument('<workerPoolId>')
    .action(async (workerPoolId: string, options: ConnectedOptions) => {
      const pool = await managerOf(io, options).workerPool(workerPoolId);
      sayJson(io, options.json ? pool : definitionOf(pool));
    });

/** `taskyard pool set <workerPoolId> <file>` */
export const setCommand = (io: Io): Command =>
  connectedCommand('set')
    .description('Make a worker pool what a file says, whether it is there or not.')
    .argument('<workerPoolId>')
    .argument('<file>', 'JSON or YAML; "-" reads standard input')
    .action(async (workerPoolId: string, file: string, options: ConnectedOptions) => {
      const manager = managerOf(io, options);
      // The server checks the content of the file.
      const body = (await readDocument(io, file)) as unknown as CreateWorkerPoolRequest;
      const pool = await manager.createWorkerPool(workerPoolId, body).catch((error: unknown) => {
        if (error instanceof ApiError && error.statusCode === 409) {
          return manager.updateWorkerPool(workerPoolId, body);
        }
        throw error;
      });
      if (options.json) sayJson(io, pool);
      else say(io, `${workerPoolId} is as ${file === '-' ? 'standard input' : file} says`);
    });

/** `taskyard pool delete <workerPoolId>` */
export const deleteCommand = (io: Io): Command =>
  connectedCommand('delete')
    .description('Delete a worker pool, as soon as its workers are gone.')
    .argument('<workerPoolId>')
    .action(async (workerPoolId: string, options: ConnectedOptions) => {
      const pool = await managerOf(io, options).deleteWorkerPool(workerPoolId);
      if (options.json) sayJson(io, pool);
      else say(io, `${workerPoolId} is deleted as soon as its workers are gone`);
    });

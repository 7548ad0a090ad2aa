import { RequestError, type Sql } from '../../base/index.ts';
import type { PageQuery } from '../../http/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';

/** A page of something that a pool has. */
export interface PageOfPool extends PageQuery {
  readonly workerPoolId: string;
}

export const noPool = (workerPoolId: string): never => {
  throw new RequestError('ResourceNotFound', `There is no worker pool ${workerPoolId}.`);
};

export const noWorker = ({ workerPoolId, workerGroup, workerId }: store.WorkerRef): never => {
  throw new RequestError(
    'ResourceNotFound',
    `There is no worker ${workerGroup}/${workerId} in the pool ${workerPoolId}.`,
  );
};

/** A pool; a ResourceNotFound when there is none. */
export const requirePool = async (sql: Sql, workerPoolId: string): Promise<store.PoolRow> =>
  (await store.findPool(sql, workerPoolId)) ?? noPool(workerPoolId);

/** A worker; a ResourceNotFound when there is none. */
export const requireWorker = async (sql: Sql, ref: store.WorkerRef): Promise<store.RegisteringWorker> =>
  (await store.findWorker(sql, ref)) ?? noWorker(ref);

/** The text without the few characters that PostgreSQL cannot store: NUL and halves of surrogate pairs. */
export const storable = (text: string): string => Buffer.from(text).toString().replaceAll('\0', '\ufffd');

/** Whether a provider starts and ends its workers. */
export const hasMachines = ({ providers }: Pick<Context, 'providers'>, providerId: string): boolean =>
  providers.get(providerId)?.machines !== undefined;

export const machineProviderIds = ({ providers }: Pick<Context, 'providers'>): string[] =>
  [...providers.keys()].filter((id) => hasMachines({ providers }, id));

import { RequestError } from '../../base/index.ts';
import { keyIn } from '../../http/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';

/** The two query parameters of a listing. */
export interface PageQuery {
  readonly continuationToken?: string | undefined;
  readonly limit?: number | undefined;
}

/** The key in a token, which has so many parts of plain text. */
export const keyOfToken = (token: string | undefined, parts: number): string[] => {
  const key = keyIn(token)?.map(String) ?? [];
  if (token !== undefined && (key.length !== parts || !key.every((part) => /^[\x20-\x7e]*$/.test(part)))) {
    throw new RequestError('InputError', 'Invalid continuation token');
  }
  return key;
};

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
export const requirePool = async (context: Context, workerPoolId: string): Promise<store.PoolRow> =>
  (await store.findPool(context.db, workerPoolId)) ?? noPool(workerPoolId);

/** A worker; a ResourceNotFound when there is none. */
export const requireWorker = async (context: Context, ref: store.WorkerRef): Promise<store.WorkerRow> =>
  (await store.findWorker(context.db, ref)) ?? noWorker(ref);

/** The schema lets pass what is no date, like a 61st second, or none that can be stored. */
export const dateIn = (text: string, field: string): Date => {
  const date = new Date(text);
  if (date.getTime() >= Date.parse('0001-01-01T00:00:00Z')) return date;
  throw new RequestError('InputError', `${field} is '${text}', which is not a date that can be stored.`);
};

/** The text without the few characters that PostgreSQL cannot store: NUL and halves of surrogate pairs. */
export const storable = (text: string): string => Buffer.from(text).toString().replaceAll('\0', '\ufffd');

/** Whether a provider starts and ends its workers. */
export const hasMachines = ({ providers }: Pick<Context, 'providers'>, providerId: string): boolean =>
  providers.get(providerId)?.machines !== undefined;

export const machineProviderIds = ({ providers }: Pick<Context, 'providers'>): string[] =>
  [...providers.keys()].filter((id) => hasMachines({ providers }, id));

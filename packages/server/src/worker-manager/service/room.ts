import type { AuditEntry, CredentialsWanted } from '../../auth/index.ts';
import { type BatchDeps, RequestError, type Signal, type Transaction } from '../../base/index.ts';
import type { Email } from '../../notify/index.ts';
import type { QueueVerbs } from '../../queue/index.ts';
import type { WorkersFloor } from '../../workers/index.ts';
import type { Provider } from '../providers/provider.ts';
import * as store from '../store/index.ts';

/** What all verbs of this domain work with. */
export interface Room extends BatchDeps {
  /** By id, in the order of the configuration. */
  readonly providers: ReadonlyMap<string, Provider>;
  readonly queue: Pick<QueueVerbs, 'loseWorker'>;
  readonly workers: WorkersFloor;
  /** Wakes those who start and end workers, and tells who gets no more work; shared between processes. */
  readonly changed: Signal;
  /** Wakes with the pools that were created or changed; shared between processes. */
  readonly poolsChanged: Signal;
  /** Wakes with the task queues in which something became pending. */
  readonly pendingChanged: Signal;
  /** Where workers reach the platform; empty until it listens. */
  rootUrl(): string;
  issueCredentials(wanted: CredentialsWanted): IssuedCredentials;
  recordAudit(tx: Transaction, entries: readonly AuditEntry[]): Promise<void>;
  /** Sends mails once the transaction is committed. */
  email(tx: Transaction, emails: readonly Email[]): Promise<void>;
}

export interface IssuedCredentials {
  readonly clientId: string;
  readonly accessToken: string;
  readonly certificate: string;
}

/** The two query parameters of a listing. */
export interface PageQuery {
  readonly continuationToken?: string | undefined;
  readonly limit?: number | undefined;
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
export const requirePool = async (room: Room, workerPoolId: string): Promise<store.PoolRow> =>
  (await store.findPool(room.db, workerPoolId)) ?? noPool(workerPoolId);

/** A worker; a ResourceNotFound when there is none. */
export const requireWorker = async (room: Room, ref: store.WorkerRef): Promise<store.WorkerRow> =>
  (await store.findWorker(room.db, ref)) ?? noWorker(ref);

/** The text without the few characters that PostgreSQL cannot store: NUL and halves of surrogate pairs. */
export const storable = (text: string): string => Buffer.from(text).toString().replaceAll('\0', '\ufffd');

/** Whether a provider starts and ends its workers. */
export const hasMachines = ({ providers }: Pick<Room, 'providers'>, providerId: string): boolean =>
  providers.get(providerId)?.machines !== undefined;

export const machineProviderIds = ({ providers }: Pick<Room, 'providers'>): string[] =>
  [...providers.keys()].filter((id) => hasMachines({ providers }, id));

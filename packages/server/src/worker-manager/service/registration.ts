import {
  later,
  minutes,
  oneByOne,
  RequestError,
  type Sql,
  slugid,
  type Transaction,
  transact,
  type Work,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { readLastSeen, readQuarantined } from '../../workers/index.ts';
import { clientIdOf } from '../barred.ts';
import type { Context, IssuedCredentials } from '../context.ts';
import { digestOf, isSecretOf } from '../digest.ts';
import * as events from '../events.ts';
import { limitsOf, transitions } from '../lifecycle.ts';
import type { Provider } from '../providers/provider.ts';
import type { ScalingConfig } from '../provisioning/index.ts';
import type { RegisterWorkerRequest, ReregisterWorkerRequest } from '../schema/index.ts';
import * as store from '../store/index.ts';
import type { Configuration } from './launch-configs.ts';
import { noWorker, requirePool, requireWorker } from './lookups.ts';

/** Credentials that a worker is given. */
export interface Admission {
  readonly expires: string;
  readonly credentials: IssuedCredentials;
  readonly secret: string;
}

/** A worker's clock may be at most this much behind ours. */
const skewMs = minutes(15);
/** A worker whose reply was lost asks again within this time: official clients repeat for some minutes. */
const repeatWithinMs = minutes(10);

/**
 * Registers a worker that proves its identity. One that asks again within ten minutes, without having used its credentials, did
 * not get the reply: it is judged as if it had not registered yet.
 */
export const registerWorker = async (
  context: Context,
  request: RegisterWorkerRequest,
): Promise<Admission & { workerConfig: object }> => {
  const pool = await requirePool(context.db, request.workerPoolId);
  const provider = requireProvider(context, pool, request.providerId);
  const worker = await requireWorker(context.db, request);
  if (worker.providerId !== provider.providerId) noWorker(request);
  const isRepeat = await isUnused(context, worker);
  const judged = isRepeat ? { ...worker, state: 'requested' as const } : worker;
  const facts = await (provider.identify?.(judged, request.workerIdentityProof) ?? 'refused');
  if (facts === 'refused') throw notProved();
  const admission = await transact(context, async (tx, now) => {
    const current = (await store.lockWorker(tx, request)) ?? noWorker(request);
    requireRegistrable(current, { state: worker.state, now });
    if (isRepeat && current.previousSecretDigest !== null) throw notProved();
    const admitted = await admit(
      context,
      { tx, now },
      {
        pool,
        worker: { ...current, facts, previousSecretDigest: null, previousSecretUntil: null },
      },
    );
    if (current.state === 'requested') {
      await outbox.append(tx, [events.workerRunning({ ...current, state: 'running' }, now)], now);
    }
    return admitted;
  });
  return { ...admission, workerConfig: await workerConfigOf(context, pool, worker) };
};

/** Whether a worker has just registered and not used its credentials yet. */
const isUnused = async (context: Context, worker: store.RegisteringWorker): Promise<boolean> => {
  const { state, registered, previousSecretDigest, workerPoolId, workerGroup, workerId } = worker;
  if (state !== 'running' || registered === null || previousSecretDigest !== null) return false;
  if (later(registered, repeatWithinMs) < context.clock.now()) return false;
  const inQueue = { taskQueueId: workerPoolId, workerGroup, workerId };
  const seen = await readLastSeen(context.db, [inQueue], context.workers);
  return seen.size === 0;
};

/**
 * New credentials for a worker that has the secret it was given last. The secret holds once; but until the next one is
 * used, for ten minutes at most, it may be repeated, since the reply with the next one may have been lost.
 */
export const reregisterWorkers = oneByOne(
  async (tx, request: ReregisterWorkerRequest, { now, context }: Work<Context>): Promise<Admission> => {
    const pool = await requirePool(tx, request.workerPoolId);
    const worker = (await store.lockWorker(tx, request)) ?? noWorker(request);
    const isOpen = worker.state === 'running' && worker.expires > now;
    const previous = isOpen ? previousAfter(worker, request.secret, now) : undefined;
    if (previous === undefined) {
      throw new RequestError('InputError', 'The worker cannot register again, or not with this secret.');
    }
    await requireWanted(tx, worker, now);
    return admit(context, { tx, now }, { pool, worker: { ...worker, ...previous } });
  },
);

/** A worker that gets no more work is not kept alive by new credentials (the original since 113.1). */
const requireWanted = async (tx: Transaction, worker: store.WorkerRow, now: Date): Promise<void> => {
  const { workerPoolId, workerGroup, workerId, launchConfigId } = worker;
  const configs = launchConfigId === null ? [] : await store.launchConfigsOf(tx, workerPoolId);
  if (configs.some((config) => config.launchConfigId === launchConfigId && config.isArchived)) {
    throw new RequestError('InputError', `The launch config ${launchConfigId} of the worker is archived.`);
  }
  const isWorker = (each: Awaited<ReturnType<typeof readQuarantined>>[number]): boolean =>
    each.taskQueueId === workerPoolId && each.workerGroup === workerGroup && each.workerId === workerId;
  if ((await readQuarantined(tx, now)).some(isWorker)) {
    throw new RequestError('InputError', 'The worker is in quarantine.');
  }
};

type PreviousSecret = Pick<store.RegisteringWorker, 'previousSecretDigest' | 'previousSecretUntil'>;

/** Which secret may be repeated once this one has been accepted; undefined when it is not one of the worker. */
const previousAfter = (
  worker: store.RegisteringWorker,
  secret: string,
  now: Date,
): PreviousSecret | undefined => {
  const { secretDigest, previousSecretDigest, previousSecretUntil } = worker;
  if (isSecretOf(secretDigest, secret)) {
    return { previousSecretDigest: secretDigest, previousSecretUntil: later(now, repeatWithinMs) };
  }
  const isRepeat = previousSecretUntil !== null && previousSecretUntil > now;
  return isRepeat && isSecretOf(previousSecretDigest, secret)
    ? { previousSecretDigest, previousSecretUntil }
    : undefined;
};

/** Temporary credentials of a worker. */
export const credentialsOf = (
  context: Pick<Context, 'issueCredentials'>,
  worker: store.WorkerRef & { readonly providerId: string },
  { now, expires }: { now: Date; expires: Date },
): IssuedCredentials =>
  context.issueCredentials({
    clientId: clientIdOf(worker),
    scopes: scopesOf(worker),
    start: later(now, -skewMs),
    expiry: expires,
  });

const scopesOf = ({ workerPoolId, workerGroup, workerId }: store.WorkerRef): string[] => {
  const worker = `${workerGroup}/${workerId}`;
  return [
    `assume:worker-type:${workerPoolId}`,
    `assume:worker-pool:${workerPoolId}`,
    `assume:worker-id:${worker}`,
    `queue:worker-id:${worker}`,
    `secrets:get:worker-type:${workerPoolId}`,
    `secrets:get:worker-pool:${workerPoolId}`,
    `queue:claim-work:${workerPoolId}`,
    `worker-manager:remove-worker:${workerPoolId}/${worker}`,
    `worker-manager:reregister-worker:${workerPoolId}/${worker}`,
    `worker-manager:should-worker-terminate:${workerPoolId}/${worker}`,
  ];
};

const requireProvider = ({ providers }: Context, pool: store.PoolRow, providerId: string): Provider => {
  const provider = providers.get(providerId);
  if (provider && [pool.providerId, ...pool.previousProviderIds].includes(providerId)) return provider;
  throw new RequestError('ResourceNotFound', `The pool ${pool.workerPoolId} has no provider ${providerId}.`);
};

// A reason would only help a caller that tries proofs.
const notProved = (): RequestError =>
  new RequestError('InputError', 'The worker could not be admitted: its proof of identity was not accepted.');

/** A provider has looked at the worker as it was: of two that prove the same at once, it decides about the second again. */
const requireRegistrable = (
  worker: store.WorkerRow,
  { state, now }: { state: store.WorkerRow['state']; now: Date },
): void => {
  const mayRegister = (transitions.register.from as readonly string[]).includes(worker.state);
  if (!mayRegister || worker.state !== state || worker.expires <= now) throw notProved();
};

const admit = async (
  context: Context,
  { tx, now }: { tx: Transaction; now: Date },
  { pool, worker }: { pool: store.PoolRow; worker: store.RegisteringWorker },
): Promise<Admission> => {
  const config = JSON.parse(pool.config) as Configuration;
  const expires = later(now, limitsOf(config).reregistrationMs);
  const secret = slugid() + slugid();
  const admitted = {
    ...worker,
    state: transitions.register.to,
    secretDigest: digestOf(secret),
    terminateAfter: expires,
  };
  await store.admitWorker(tx, admitted, now);
  tx.afterCommit(() => context.poolsTouched.wake([pool.workerPoolId]));
  return {
    expires: expires.toJSON(),
    credentials: credentialsOf(context, worker, { now, expires }),
    secret,
  };
};

/** The settings of the worker, from its launch config or from the pool. */
const workerConfigOf = async (
  { db }: Context,
  pool: store.PoolRow,
  worker: store.WorkerRow,
): Promise<object> => {
  const { launchConfigId } = worker;
  const config = JSON.parse(pool.config) as Configuration;
  if (launchConfigId === null) return (config.workerConfig as object | undefined) ?? {};
  const configs = await store.launchConfigsOf(db, pool.workerPoolId);
  const launched = configs.find((each) => each.launchConfigId === launchConfigId);
  const { workerConfig = {} } = JSON.parse(launched?.configuration ?? '{}') as { workerConfig?: object };
  return (await isKept(db, config as unknown as ScalingConfig, worker))
    ? withoutTimeOut(workerConfig)
    : workerConfig;
};

/** Whether a worker is one of those that fill the least capacity of a pool that wants to keep them. */
const isKept = async (
  sql: Sql,
  { provisioning, minCapacity }: Pick<ScalingConfig, 'provisioning' | 'minCapacity'>,
  worker: store.WorkerRef,
): Promise<boolean> =>
  provisioning?.keepMinimum === true && (await store.capacityBefore(sql, worker)) < minCapacity;

/** Settings by which neither a worker of ours nor one of the original stops because it is idle. */
const withoutTimeOut = (workerConfig: {
  readonly taskyard?: object;
  readonly genericWorker?: { readonly config?: object };
}): object => {
  const { taskyard = {}, genericWorker } = workerConfig;
  const { idleTimeoutSeconds: _, ...ours } = taskyard as { idleTimeoutSeconds?: number };
  const theirs = genericWorker && {
    genericWorker: { ...genericWorker, config: { ...genericWorker.config, idleTimeoutSecs: 0 } },
  };
  return { ...workerConfig, taskyard: ours, ...theirs };
};

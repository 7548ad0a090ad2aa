import { uptime } from 'node:os';
import { type Credentials, WorkerManager } from '@taskyard/client';
import { type Clock, later, minutes, seconds } from '../clock.ts';
import { statusOf, withRetries } from '../retry.ts';
import { messageOf, type WorkerLog } from '../worker-log.ts';
import type { Identity } from './identity.ts';
import { readRegistration, type StoredRegistration, storeRegistration } from './stored-registration.ts';

/** The membership of a worker that has registered, as long as it renews its credentials. */
export interface Membership {
  /** The newest credentials. */
  credentials(): Credentials;
  /** Whether worker-manager wants the worker to end. */
  shouldTerminate(): Promise<{ readonly terminate: boolean; readonly reason: string }>;
  /** Reports to the pool's owner what prevents the worker from working. */
  reportError(title: string, description: string): Promise<void>;
  /** Says that the worker takes no more tasks, so that others are started for what waits. */
  drain(): Promise<void>;
  /** Aborts when the credentials could not be renewed. */
  readonly lost: AbortSignal;
  /** Leaves the pool, so that a cloud's provider removes the machine. Workers of other providers may return. */
  leave(): Promise<void>;
  /** Stops the renewals. One that is on its way may end: its reply has the secret for the next start. */
  close(): void | Promise<void>;
}

export interface Joining {
  readonly clock: Clock;
  readonly log: WorkerLog;
  /** The file with the registration for the next start. */
  readonly storePath: string;
  /** Ends a registration: it is rejected then. */
  readonly signal?: AbortSignal | undefined;
}

interface Asking extends Joining {
  /** Breaks off the request that is on its way, where `signal` is to end only the attempts. */
  readonly hangUp?: AbortSignal | undefined;
}

// A server that is being started must not turn away the machines that it has started. Who starts a worker by hand wants to
// know soon that its server is not there.
const giveUpAfterMs = { ofInstance: minutes(10), ofOthers: seconds(30) };

// A machine may boot before it is written down that it was started, if the server was killed in between.
const unknownForMs = minutes(2);
const unknownPauseMs = seconds(2);

const renewalLeadMs = minutes(30);

// A server that does not answer must not keep the worker from ending.
const lastReplyWithinMs = seconds(2);

/** When to renew credentials with this lifetime. */
const renewAfterMs = (lengthMs: number): number => Math.max(lengthMs - renewalLeadMs, (lengthMs * 2) / 3);

/** Registers a worker, or reregisters it if it was a member when it last ended. */
export const joinPool = async (
  identity: Identity,
  joining: Joining,
): Promise<{ membership: Membership; workerConfig: Record<string, unknown> }> => {
  const { hangUp, forget } = identity.isProofUsedUp
    ? aMomentAfter(joining)
    : { hangUp: joining.signal, forget: () => {} };
  const registration = await registerAnyhow(identity, { ...joining, hangUp })
    .catch((error) => {
      throw new Error(`The worker could not be registered: ${messageOf(error)}`, { cause: error });
    })
    .finally(forget);
  if (joining.signal?.aborted) throw new Error('The worker was told to end while it registered.');
  const { workerPoolId, workerGroup, workerId, providerId } = identity;
  joining.log.info({ workerPoolId, workerGroup, workerId, providerId }, 'the worker is registered');
  return { membership: keep(identity, registration, joining), workerConfig: registration.workerConfig };
};

/** Aborts some seconds after `signal`: the reply that is on its way has the secret for the next start. */
const aMomentAfter = ({ clock, signal }: Joining): { hangUp: AbortSignal; forget: () => void } => {
  const hangUp = new AbortController();
  let cancel = (): void => {};
  const wait = (): void => {
    cancel = clock.after(lastReplyWithinMs, () => hangUp.abort());
  };
  if (signal?.aborted) wait();
  else signal?.addEventListener('abort', wait, { once: true });
  const forget = (): void => {
    signal?.removeEventListener('abort', wait);
    cancel();
  };
  return { hangUp: hangUp.signal, forget };
};

const registerAnyhow = async (identity: Identity, asking: Asking): Promise<StoredRegistration> => {
  const again = await registerAgain(identity, asking);
  if (again) return again;
  asking.signal?.throwIfAborted();
  return register(identity, asking);
};

const connect = ({ rootUrl }: Identity, credentials?: Credentials): WorkerManager =>
  new WorkerManager({ rootUrl, credentials, retries: 0 });

const nameOf = ({ workerPoolId, workerGroup, workerId }: Identity) => ({
  workerPoolId,
  workerGroup,
  workerId,
});

const lateAfter = (ms: number, clock: Clock): (() => boolean) => {
  const end = later(clock.now(), ms);
  return () => clock.now() > end;
};

const register = async (
  identity: Identity,
  { clock, storePath, signal, hangUp }: Asking,
): Promise<StoredRegistration> => {
  const { providerId, proof: workerIdentityProof } = identity;
  const systemBootTime = later(clock.now(), -seconds(uptime())).toJSON();
  const request = { ...nameOf(identity), providerId, workerIdentityProof, systemBootTime };
  const isLate = lateAfter(unknownForMs, clock);
  const retrying = {
    clock,
    signal,
    giveUpAfterMs: identity.isProofUsedUp ? giveUpAfterMs.ofInstance : giveUpAfterMs.ofOthers,
  };
  const ask = () =>
    withRetries(() => connect(identity).registerWorker(request, { signal: hangUp }), retrying);
  const askAgain = async (error: unknown): ReturnType<typeof ask> => {
    if (!identity.isProofUsedUp || statusOf(error) !== 404 || isLate()) throw error;
    await clock.sleep(unknownPauseMs, signal);
    if (signal?.aborted) throw error;
    return ask().catch(askAgain);
  };
  const reply = await ask().catch(askAgain);
  const registration = {
    ...nameOf(identity),
    credentials: reply.credentials,
    secret: reply.secret,
    expires: reply.expires,
    workerConfig: reply.workerConfig,
  };
  await storeRegistration(storePath, registration);
  return registration;
};

/** Registers with the secret of the last registration. Returns undefined when there is none, or it was refused. */
const registerAgain = async (identity: Identity, asking: Asking): Promise<StoredRegistration | undefined> => {
  if (!identity.isProofUsedUp) return undefined;
  const stored = await readRegistration(asking.storePath);
  const isOurs =
    stored?.workerPoolId === identity.workerPoolId &&
    stored.workerGroup === identity.workerGroup &&
    stored.workerId === identity.workerId;
  if (!stored || !isOurs || Date.parse(stored.expires) <= asking.clock.now().getTime()) return undefined;
  try {
    return await renew(identity, stored, { ...asking, untilMs: giveUpAfterMs.ofInstance });
  } catch (error) {
    asking.log.warn({ error: messageOf(error) }, 'the worker could not register again');
    return undefined;
  }
};

interface Renewing extends Asking {
  readonly untilMs: number;
}

const renew = async (
  identity: Identity,
  { credentials, secret, workerConfig }: StoredRegistration,
  { clock, storePath, untilMs, signal, hangUp }: Renewing,
): Promise<StoredRegistration> => {
  const ask = () =>
    connect(identity, credentials).reregisterWorker({ ...nameOf(identity), secret }, { signal: hangUp });
  const reply = await withRetries(ask, { clock, signal, giveUpAfterMs: untilMs });
  const renewed = {
    ...nameOf(identity),
    credentials: reply.credentials,
    secret: reply.secret,
    expires: reply.expires,
    workerConfig,
  };
  // At once, since the used secret is no longer valid.
  await storeRegistration(storePath, renewed);
  return renewed;
};

const keep = (identity: Identity, first: StoredRegistration, joining: Joining): Membership => {
  const { clock, log } = joining;
  const { workerPoolId, workerGroup, workerId } = identity;
  const over = new AbortController();
  const hangUp = new AbortController();
  const lost = new AbortController();
  let registration = first;
  const leftMs = (): number => Date.parse(registration.expires) - clock.now().getTime();
  const renewing = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(renewAfterMs(leftMs()), over.signal);
      if (over.signal.aborted) return;
      const signals = { signal: over.signal, hangUp: hangUp.signal };
      registration = await renew(identity, registration, { ...joining, ...signals, untilMs: leftMs() });
      log.info({ expires: registration.expires }, 'the worker has registered again');
    }
  };
  const renewals = renewing().catch((error) => {
    if (over.signal.aborted) return;
    log.error({ error: messageOf(error) }, 'the credentials of the worker could not be renewed');
    lost.abort();
  });
  const manager = (): WorkerManager => connect(identity, registration.credentials);
  return {
    credentials: () => registration.credentials,
    shouldTerminate: () => manager().shouldWorkerTerminate(workerPoolId, workerGroup, workerId),
    reportError: async (title, description) => {
      const body = { workerGroup, workerId, kind: 'worker-error', title, description, extra: {} };
      await manager().reportWorkerError(workerPoolId, body);
    },
    drain: async () => {
      if (!identity.isProofUsedUp) return;
      await withRetries(() => manager().drainWorker(workerPoolId, workerGroup, workerId), {
        clock,
        giveUpAfterMs: seconds(30),
        signal: over.signal,
      });
    },
    lost: lost.signal,
    leave: async () => {
      if (!identity.isProofUsedUp) return;
      await withRetries(() => manager().removeWorker(workerPoolId, workerGroup, workerId), {
        clock,
        giveUpAfterMs: seconds(30),
      });
    },
    close: async () => {
      over.abort();
      const cancel = clock.after(lastReplyWithinMs, () => hangUp.abort());
      await renewals;
      cancel();
    },
  };
};

import { hours, minutes } from '../../../base/index.ts';
import { grouped } from '../../grouped.ts';
import type { WorkerRow } from '../../store/index.ts';
import type { Stray, Sweep, SweptWorker, WorkerToEnd } from '../provider.ts';
import { asProviderError, failureOf } from './failures.ts';
import { type FoundInstance, factsOf, findInstances, findInstancesById } from './instances.ts';
import { type AwsContext, knownRegions } from './launch.ts';
import { ours, tagIn } from './names.ts';
import { avoid, type Memory, type Place, type PlaceFailure } from './places.ts';
import type { Reader } from './regions.ts';
import { removeOldTemplates } from './templates.ts';

/** For this long EC2 may not show an instance that it has just started. */
const youngMs = minutes(3);
const templatesEveryMs = hours(1);
/** Owners are told at most once in this time that a region cannot be read. */
const tellAgainMs = hours(1);
const idsAtOnce = 100;

export interface Sweeping {
  readonly context: AwsContext;
  /** Read even when no worker of ours is known to be there. */
  readonly regions: readonly string[];
}

/** Reads all our instances in all regions that we use. */
export const createSweep = ({ context, regions }: Sweeping) => {
  let templatesLookedAt = 0;
  const told = new Map<string, number>();
  return async (known: readonly WorkerRow[]): Promise<Sweep> => {
    const memory = await context.deps.memory.recall();
    const now = context.deps.clock.now().getTime();
    const isTimeForTemplates = now - templatesLookedAt >= templatesEveryMs;
    if (isTimeForTemplates) templatesLookedAt = now;
    const all = new Set([
      ...regions,
      ...knownRegions(memory),
      ...known.map(({ workerGroup }) => workerGroup),
    ]);
    const sweeps = await Promise.all(
      [...all].map((region) => {
        const here = known.filter(({ workerGroup }) => workerGroup === region);
        return sweepRegion(context, region, { here, memory, isTimeForTemplates });
      }),
    );
    const errors = sweeps
      .flatMap((sweep) => sweep.errors ?? [])
      .filter(({ workerPoolId, code }) => now - (told.get(`${workerPoolId}/${code}`) ?? 0) >= tellAgainMs);
    for (const { workerPoolId, code } of errors) told.set(`${workerPoolId}/${code}`, now);
    return {
      workers: sweeps.flatMap(({ workers }) => workers),
      strays: sweeps.flatMap(({ strays }) => strays),
      errors,
    };
  };
};

interface Look {
  readonly here: readonly WorkerRow[];
  readonly memory: Memory;
  readonly isTimeForTemplates: boolean;
}

const sweepRegion = async (context: AwsContext, region: string, look: Look): Promise<Sweep> => {
  const { here, memory, isTimeForTemplates } = look;
  try {
    const { reader: ec2 } = await context.regions.in(region);
    const found = await findInstances(ec2, ours(context.maker()));
    const byId = new Map(found.map((instance) => [instance.InstanceId, instance]));
    // Tags can be lost, and the URL of the platform can change: a known worker is looked up by name before it counts as gone.
    const missing = here.filter(({ workerId }) => !byId.has(workerId)).map(({ workerId }) => workerId);
    for (const instance of await findInstancesById(ec2, missing)) byId.set(instance.InstanceId, instance);
    if (isTimeForTemplates) await removeOldTemplates(ec2, region, context.maker(), memory);
    const names = new Set(here.map(({ workerId }) => workerId));
    const now = context.deps.clock.now();
    await avoid(context.deps, memory, here.flatMap(lackOf(region, byId)));
    return {
      workers: here.flatMap((worker) => swept(region, worker, { instance: byId.get(worker.workerId), now })),
      strays: found.filter(({ InstanceId }) => !names.has(InstanceId)).flatMap(strayIn(region)),
    };
  } catch (error) {
    const failure = failureOf(error);
    context.deps.log.warn({ region, code: failure.code, detail: failure.message }, 'EC2 could not be swept');
    // Owners of pools are not told of problems that pass on their own.
    if (failure.sort === 'throttled' || failure.sort === 'unknown') return { workers: [], strays: [] };
    const pools = [...new Set(here.map(({ workerPoolId }) => workerPoolId))];
    const said = { ...asProviderError(failure), kind: 'sweep-error', title: 'EC2 could not be looked at' };
    return { workers: [], strays: [], errors: pools.map((workerPoolId) => ({ ...said, workerPoolId })) };
  }
};

/** Instances that EC2 took back or lost. */
const takenAway = /^Server\.|^Client\.InstanceTerminatedBy/;

/** EC2 accepted the call, and ended the instance at once. */
const noCapacityAfterAll = 'Server.InsufficientInstanceCapacity';

/** The place of a worker for which EC2 had no capacity after all. */
const lackOf =
  (region: string, byId: ReadonlyMap<string, FoundInstance>) =>
  ({ workerId }: WorkerRow): PlaceFailure[] => {
    const instance = byId.get(workerId);
    if (!instance || instance.StateReason?.Code !== noCapacityAfterAll || stateOf(instance) !== 'gone')
      return [];
    const place: Place = {
      region,
      instanceType: instance.InstanceType ?? 'any',
      zone: instance.Placement?.AvailabilityZone ?? 'any',
      purchase: instance.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
    };
    return [{ place, failure: { code: noCapacityAfterAll, message: '', sort: 'no-capacity' } }];
  };

const refOf = ({ workerPoolId, workerGroup, workerId }: WorkerRow) => ({
  workerPoolId,
  workerGroup,
  workerId,
});

const swept = (
  region: string,
  worker: WorkerRow,
  { instance, now }: { instance: FoundInstance | undefined; now: Date },
): SweptWorker[] => {
  if (!instance) {
    const isYoung = now.getTime() - worker.created.getTime() < youngMs;
    return isYoung ? [] : [{ ...refOf(worker), state: 'gone', reason: 'EC2 does not know the instance' }];
  }
  const state = stateOf(instance);
  const facts = factsOf(region, instance);
  if (state === 'running') return [{ ...refOf(worker), state, facts }];
  const code = instance.StateReason?.Code ?? '';
  return [
    {
      ...refOf(worker),
      state,
      reason: `${instance.State?.Name}: ${instance.StateReason?.Message ?? instance.StateTransitionReason ?? code}`,
      isInterrupted: takenAway.test(code),
      ...(code === noCapacityAfterAll ? { isShortage: true } : {}),
      ...(state === 'stopping' ? { facts } : {}),
    },
  ];
};

// An instance that was stopped, not terminated, is useless to us: it counts as gone, and is then ended as a stray.
const stateOf = ({ State }: FoundInstance): SweptWorker['state'] => {
  if (State?.Name === 'shutting-down' || State?.Name === 'stopping') return 'stopping';
  return State?.Name === 'terminated' || State?.Name === 'stopped' ? 'gone' : 'running';
};

const strayIn =
  (region: string) =>
  (instance: FoundInstance): Stray[] => {
    const workerPoolId = tagIn(instance.Tags, 'WorkerPoolId');
    const isEnding = ['shutting-down', 'terminated'].includes(instance.State?.Name ?? '');
    if (isEnding || workerPoolId === undefined) return [];
    const token = tagIn(instance.Tags, 'Decision');
    return [{ workerPoolId, workerGroup: region, workerId: instance.InstanceId, facts: { region }, token }];
  };

/** Ends instances. Those that do not exist any more count as ended. What cannot be ended keeps no other from its end. */
export const terminate = async (context: AwsContext, workers: readonly WorkerToEnd[]): Promise<void> => {
  const byRegion = grouped(workers, ({ workerGroup }) => workerGroup);
  const ended = await Promise.allSettled(
    [...byRegion].map(async ([region, some]) => {
      const { reader: ec2 } = await context.regions.in(region);
      const ids = some.map(({ workerId }) => workerId);
      for (let i = 0; i < ids.length; i += idsAtOnce) await terminateSome(ec2, ids.slice(i, i + idsAtOnce));
    }),
  );
  throwFirst(ended);
};

const throwFirst = (ended: readonly PromiseSettledResult<unknown>[]): void => {
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
};

const terminateSome = async (ec2: Reader, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  try {
    await ec2.terminateInstances({ InstanceIds: [...ids] });
  } catch (error) {
    const { name, message } = error as Error;
    const isUnknown = name.startsWith('InvalidInstanceID');
    // The error names the instances that do not exist; none of the call has been ended.
    const left = isUnknown ? ids.filter((id) => !message.includes(id)) : ids;
    if (left.length < ids.length) return terminateSome(ec2, left);
    if (ids.length === 1) {
      if (isUnknown) return;
      throw error;
    }
    // One that is protected, for example, fails all others of the call.
    if (!isUnknown && failureOf(error).sort !== 'refused') throw error;
    throwFirst(await Promise.allSettled(ids.map((id) => terminateSome(ec2, [id]))));
  }
};

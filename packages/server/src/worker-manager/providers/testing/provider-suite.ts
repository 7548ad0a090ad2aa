import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '@taskyard/patience';
import { mistakesIn } from '../../../http/index.ts';
import type { WorkerRow } from '../../store/index.ts';
import type { LaunchOrder, LaunchOutcome, Machines, Provider, StartedWorker } from '../provider.ts';

/** A provider of a test, and what the suite needs for its pools. */
export interface OpenedProvider {
  readonly provider: Provider;
  /** A config of a pool that it accepts. */
  readonly config: object;
  /** One that it refuses; absent where it accepts all. */
  readonly wrongConfig?: object;
  /** Another one on the same machines, as after a restart; only where machines outlive the process. */
  another?(): Provider;
  /** An order that it can carry out; only with machines. */
  order?(count: number): LaunchOrder;
  /** Lets time pass, so that machines boot and end. */
  pass?(): void;
}

const workersIn = (outcomes: readonly LaunchOutcome[]): readonly StartedWorker[] => {
  const [outcome] = outcomes;
  assert.ok(outcome && 'workers' in outcome, JSON.stringify(outcome));
  assert.deepEqual(outcome.errors, []);
  return outcome.workers;
};

const names = (workers: readonly { readonly workerId: string }[]): string[] =>
  workers.map(({ workerId }) => workerId).sort();

/** A started worker as it is stored. */
const rowOf = (provider: Provider, order: LaunchOrder, worker: StartedWorker): WorkerRow =>
  ({
    workerPoolId: order.workerPoolId,
    workerGroup: worker.workerGroup,
    workerId: worker.workerId,
    providerId: provider.providerId,
    launchConfigId: order.launchConfigId,
    state: 'requested',
    capacity: worker.capacity ?? 1,
    created: order.decided,
    facts: worker.facts,
    staticSecretDigest: worker.secretDigest ?? null,
  }) as WorkerRow;

/** What every provider must do: what it accepts, whom it admits, and how it handles its machines, if it has some. */
export const providerSuite = (
  type: string,
  { open, hasMachines }: { open(t: TestContext): Promise<OpenedProvider>; hasMachines: boolean },
): void => {
  const opened = async (t: TestContext) => {
    const all = await open(t);
    t.after(() => all.provider.machines?.close?.());
    const { machines } = all.provider;
    const { order } = all;
    return { ...all, machines: machines as Machines, order: order as NonNullable<typeof order> };
  };

  describe(`a provider (${type})`, () => {
    it('says what it is, and accepts the config of a pool', async (t) => {
      const { provider, config, wrongConfig } = await opened(t);
      assert.match(provider.providerId, /^[a-z-]+$/);
      assert.deepEqual(mistakesIn(provider.configSchema, structuredClone(config)), []);
      if (wrongConfig) assert.notDeepEqual(mistakesIn(provider.configSchema, wrongConfig), []);
    });

    it('admits no worker without a proof, or with a wrong one', async (t) => {
      const { provider } = await opened(t);
      const worker = {
        state: 'requested',
        staticSecretDigest: null,
        facts: {},
        workerId: 'i-0',
      } as WorkerRow;
      for (const proof of [{}, { staticSecret: 'guessed' }, { document: '{}', signature: 'e30=' }])
        assert.equal((await provider.identify?.(worker, proof)) ?? 'refused', 'refused');
    });

    it(`has ${hasMachines ? 'machines' : 'no machines'}`, async (t) => {
      const { provider } = await opened(t);
      assert.equal(provider.machines !== undefined, hasMachines);
      if (provider.machines) assert.ok(provider.machines.sweepEveryMs > 0);
    });
  });

  if (hasMachines) machinesSuite(type, opened);
};

type Machinery = OpenedProvider & {
  readonly machines: Machines;
  readonly order: (count: number) => LaunchOrder;
};

const machinesSuite = (type: string, opened: (t: TestContext) => Promise<Machinery>): void => {
  /** The states of some workers by a sweep, once each is as wanted. */
  const swept = ({ machines, pass }: Machinery, rows: readonly WorkerRow[], wanted: string) =>
    eventually(
      `all workers to be ${wanted}`,
      async () => {
        pass?.();
        return (await machines.sweep(rows)).workers;
      },
      (workers) => workers.length === rows.length && workers.every(({ state }) => state === wanted),
    );

  describe(`the machines of a provider (${type})`, () => {
    it('start once for an order, however often it comes', async (t) => {
      const { machines, order: anOrder } = await opened(t);
      const order = anOrder(2);
      const workers = workersIn(await machines.launch([order]));
      assert.equal(new Set(names(workers)).size, 2);
      const again = workersIn(await machines.launch([{ ...order, attempt: 2 }]));
      assert.deepEqual(names(again), names(workers));
      const other = workersIn(await machines.launch([anOrder(1)]));
      assert.ok(!names(workers).includes(names(other)[0] ?? ''));
    });

    it('are seen by a sweep until they are ended, and are gone then', async (t) => {
      const all = await opened(t);
      const order = all.order(2);
      const workers = workersIn(await all.machines.launch([order]));
      const rows = workers.map((worker) => rowOf(all.provider, order, worker));
      await swept(all, rows, 'running');
      assert.deepEqual((await all.machines.sweep(rows)).strays, []);
      await all.machines.terminate(rows);
      await all.machines.terminate(rows);
      await swept(all, rows, 'gone');
    });

    it('that no known worker is on are strays, with the token of their order', async (t) => {
      const all = await opened(t);
      const order = all.order(1);
      const workers = workersIn(await all.machines.launch([order]));
      const { strays } = await all.machines.sweep([]);
      assert.deepEqual(names(strays), names(workers));
      assert.equal(strays[0]?.token, order.token);
      await all.machines.terminate(strays);
      const rows = workers.map((worker) => rowOf(all.provider, order, worker));
      await swept(all, rows, 'gone');
    });

    it('that do not exist are ended without an error', async (t) => {
      const { provider, machines, order } = await opened(t);
      const [worker] = workersIn(await machines.launch([order(1)]));
      assert.ok(worker);
      const unknown = { ...worker, workerId: worker.workerId.replace(/.{4}$/, '0000') };
      await machines.terminate([rowOf(provider, order(1), unknown)]);
    });
  });
};

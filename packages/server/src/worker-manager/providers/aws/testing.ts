import type { TestContext } from 'node:test';
import { type ManualClock, manualClock, silentLog } from '../../../base/index.ts';
import {
  type Conditions,
  type DemoCloud,
  type Instance,
  type Machine,
  startDemoCloud,
} from '../../../demo-cloud/index.ts';
import type { WorkerRow } from '../../store/index.ts';
import type { LaunchOrder, Machines, Provider, ProviderContext, ProviderMemory } from '../provider.ts';
import { awsProvider } from './index.ts';
import type { AwsSettings } from './settings.ts';

/** Remembers as long as the clock says. */
export const memoryOf = (clock: ManualClock): ProviderMemory => {
  const things = new Map<string, { value: string; until: Date }>();
  return {
    recall: async () =>
      new Map(
        [...things]
          .filter(([, { until }]) => until > clock.now())
          .map(([name, { value }]) => [name, JSON.parse(value) as unknown]),
      ),
    remember: async (some) => {
      for (const { name, value, until } of some) things.set(name, { value: JSON.stringify(value), until });
    },
    forget: async (names) => {
      for (const name of names) things.delete(name);
    },
  };
};

const idleMachine = (): Machine => ({ end: async () => {}, ended: new Promise(() => {}) });

export interface TestCloud {
  readonly cloud: DemoCloud;
  readonly clock: ManualClock;
  readonly memory: ProviderMemory;
  readonly conditions: { -readonly [K in keyof Conditions]?: Conditions[K] };
  readonly provider: Provider;
  readonly machines: Machines;
  /** Another process with the same configuration. */
  another(settings?: Partial<AwsSettings>): Provider;
}

/** A cloud whose clock the test moves, and a provider for it. */
export const aCloud = async (t: TestContext): Promise<TestCloud> => {
  const clock = manualClock();
  const memory = memoryOf(clock);
  const conditions: TestCloud['conditions'] = {};
  const cloud = await startDemoCloud({ clock, conditions: () => conditions, startMachine: idleMachine });
  const deps: ProviderContext = {
    providerId: 'cloud',
    clock,
    log: silentLog,
    memory,
    rootUrl: () => 'https://taskyard.example.com',
    changed: () => {},
  };
  const another: TestCloud['another'] = (settings = {}) => {
    const made = awsProvider(deps, {
      providerType: 'aws',
      endpoint: cloud.endpoint,
      ...cloud.keys,
      certificates: [cloud.certificate],
      ...settings,
    });
    t.after(() => made.machines?.close?.());
    return made;
  };
  t.after(() => cloud.close());
  const provider = another();
  const { machines } = provider;
  if (!machines) throw new Error('The provider has no machines');
  return { cloud, clock, memory, conditions, provider, machines, another };
};

export const region = 'eu-north-1';
export const fleet = {
  imageId: 'ami-0123456789',
  instanceTypes: ['m5.large', 'm6i.large', 'c5.xlarge'],
  availabilityZones: [`${region}a`, `${region}b`, `${region}c`],
};

let orders = 0;

/** An order for a fleet, with fields that the test replaces. */
export const anOrder = (more: Partial<LaunchOrder> = {}): LaunchOrder => ({
  token: `order-${String(orders++).padStart(16, '0')}`,
  workerPoolId: 'demo/cloud',
  launchConfigId: 'lc-one',
  configuration: { region, fleet },
  count: 3,
  capacityPerInstance: 1,
  owner: 'owner@example.com',
  decided: new Date(0),
  attempt: 1,
  ...more,
});

/** A worker on an instance. */
export const aWorker = (
  { id }: Pick<Instance, 'id'>,
  { created, ...more }: Partial<WorkerRow> & { created: Date },
): WorkerRow =>
  ({
    workerPoolId: 'demo/cloud',
    workerGroup: region,
    workerId: id,
    providerId: 'cloud',
    launchConfigId: 'lc-one',
    state: 'requested',
    capacity: 1,
    created,
    facts: { region },
    ...more,
  }) as WorkerRow;

import type { Filter, Instance, Reservation } from '@aws-sdk/client-ec2';
import type { WorkerFacts } from '../provider.ts';
import { allPages } from './pages.ts';
import type { Reader } from './regions.ts';

/** An instance, and the account that it belongs to. */
export interface FoundInstance extends Instance {
  readonly InstanceId: string;
  readonly accountId: string | undefined;
}

const pageMax = 1000;
/** The most values that EC2 accepts in a filter. */
const filterValuesMax = 200;

const isNamed = (instance: Instance & { accountId: string | undefined }): instance is FoundInstance =>
  instance.InstanceId !== undefined;

export const instancesIn = (reservations: readonly Reservation[] | undefined): FoundInstance[] =>
  (reservations ?? []).flatMap(({ OwnerId, Instances }) =>
    (Instances ?? []).map((instance) => ({ ...instance, accountId: OwnerId })).filter(isNamed),
  );

/** All instances that a filter finds, also recently terminated ones. */
export const findInstances = async (ec2: Reader, Filters: Filter[]): Promise<FoundInstance[]> => {
  const found: FoundInstance[] = [];
  const pages = allPages((token) => ec2.describeInstances({ Filters, MaxResults: pageMax, ...token }));
  for await (const page of pages) found.push(...instancesIn(page.Reservations));
  return found;
};

/** The same, by ids. Those that do not exist are left out: unlike a list of ids, a filter does not fail for them. */
export const findInstancesById = async (ec2: Reader, ids: readonly string[]): Promise<FoundInstance[]> => {
  const found: FoundInstance[] = [];
  for (let i = 0; i < ids.length; i += filterValuesMax) {
    const Values = ids.slice(i, i + filterValuesMax);
    found.push(...(await findInstances(ec2, [{ Name: 'instance-id', Values }])));
  }
  return found;
};

/** The facts that are stored about the worker on an instance, among them those of its identity document. */
export const factsOf = (region: string, instance: FoundInstance): WorkerFacts => {
  const facts = {
    region,
    zone: instance.Placement?.AvailabilityZone,
    instanceType: instance.InstanceType,
    purchase: instance.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
    imageId: instance.ImageId,
    architecture: instance.Architecture,
    privateIp: instance.PrivateIpAddress,
    accountId: instance.accountId,
    launchTime: instance.LaunchTime?.toJSON(),
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
};

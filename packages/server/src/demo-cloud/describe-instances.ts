import type { Answer, Call } from './call.ts';
import { accountId, architecture, type Instance, stateCodes } from './instance.ts';
import { Ec2Error, type Reply, textIn, textsIn } from './query-api.ts';
import { filtersIn, isWanted } from './tags.ts';

const pageStandard = 1000;

/** An instance as answers have it. */
export const instanceReply = (
  instance: Omit<Instance, 'privateIp'> & { privateIp?: string | undefined },
): Reply => ({
  instanceId: instance.id,
  imageId: instance.imageId,
  instanceState: { code: stateCodes[instance.state], name: instance.state },
  instanceType: instance.place.instanceType,
  launchTime: instance.launchTime.toJSON(),
  placement: { availabilityZone: instance.place.zone, tenancy: 'default' },
  privateIpAddress: instance.privateIp,
  architecture,
  clientToken: instance.clientToken,
  instanceLifecycle: instance.place.purchase === 'spot' ? 'spot' : undefined,
  stateReason: instance.stateReason,
  tagSet: [...instance.tags].map(([key, value]) => ({ key, value })),
});

/** One reservation for the instances of a call. */
export const reservationReply = (
  reservationId: string,
  instances: readonly Parameters<typeof instanceReply>[0][],
): Answer => ({
  reservationId,
  ownerId: accountId,
  instancesSet: instances.map(instanceReply),
});

export const describeInstances = ({ state, region, parameters, conditions, clock }: Call): Answer => {
  const ids = textsIn(parameters, 'InstanceId');
  const limit = Number(textIn(parameters, 'MaxResults') ?? pageStandard);
  if (ids.length > 0 && textIn(parameters, 'MaxResults')) {
    throw new Ec2Error('InvalidParameterCombination', 'MaxResults and instance IDs do not go together');
  }
  const filters = filtersIn(parameters);
  const seenUntil = clock.now().getTime() - conditions.unseenMs;
  const visible = [...state.instances.values()].filter(
    ({ place, launchTime }) => place.region === region && launchTime.getTime() <= seenUntil,
  );
  const missing = ids.find((id) => !visible.some((instance) => instance.id === id));
  if (missing !== undefined) {
    throw new Ec2Error('InvalidInstanceID.NotFound', `The instance ID '${missing}' does not exist`);
  }
  const found = visible
    .filter(({ id }) => ids.length === 0 || ids.includes(id))
    .filter((instance) => isWanted(filters, { tags: instance.tags, values: filterValues(instance) }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const start = tokenStart(textIn(parameters, 'NextToken'));
  const page = found.filter(({ id }) => id > start).slice(0, limit);
  const hasMore = found.some(({ id }) => id > (page.at(-1)?.id ?? '~'));
  const addressedUntil = clock.now().getTime() - conditions.unaddressedMs;
  const reservations = new Map<string, Parameters<typeof instanceReply>[0][]>();
  for (const instance of page) {
    const shown =
      instance.launchTime.getTime() <= addressedUntil ? instance : { ...instance, privateIp: undefined };
    reservations.set(instance.reservationId, [...(reservations.get(instance.reservationId) ?? []), shown]);
  }
  const nextToken = hasMore ? Buffer.from(page.at(-1)?.id ?? '').toString('base64url') : undefined;
  return { reservationSet: [...reservations].map((one) => reservationReply(...one)), nextToken };
};

const tokenStart = (token: string | undefined): string =>
  token === undefined ? '' : Buffer.from(token, 'base64url').toString();

const filterValues = (instance: Instance) => ({
  'instance-id': instance.id,
  'instance-state-name': instance.state,
  'instance-type': instance.place.instanceType,
  'availability-zone': instance.place.zone,
  'client-token': instance.clientToken,
});

import type { Tag } from '@aws-sdk/client-ec2';
import type { LaunchOrder } from '../provider.ts';

/** The creator of things in an account: a provider of a deployment. */
export interface Maker {
  readonly providerId: string;
  readonly rootUrl: string;
}

const tagValueMax = 256;
const tag = (Key: string, value: string): Tag => ({ Key, Value: value.slice(0, tagValueMax) });

// The first ones are those of the original, so that tools of an account's owner that use them keep working.
const tagsOfMaker = ({ providerId, rootUrl }: Maker): Tag[] => [
  tag('CreatedBy', `taskcluster-wm-${providerId}`),
  tag('ManagedBy', 'taskcluster'),
  tag('RootUrl', rootUrl),
];

/** The tags of everything that is created for a launch config. */
export const tagsOfConfig = (maker: Maker, order: Pick<LaunchOrder, 'workerPoolId' | 'owner'>): Tag[] => [
  ...tagsOfMaker(maker),
  tag('Name', order.workerPoolId),
  tag('WorkerPoolId', order.workerPoolId),
  tag('Owner', order.owner),
];

/** The tags of everything that is created for an order. */
export const tagsOfOrder = (maker: Maker, order: LaunchOrder): Tag[] => [
  ...tagsOfConfig(maker, order),
  tag('LaunchConfigId', order.launchConfigId),
  tag('Decision', order.token),
];

/** Finds all that is ours. */
export const ours = (maker: Maker) =>
  tagsOfMaker(maker).map(({ Key, Value }) => ({ Name: `tag:${Key}`, Values: [Value ?? ''] }));

/** Finds the instances of an order. */
export const ofOrder = (maker: Maker, token: string) => [
  ...ours(maker),
  { Name: 'tag:Decision', Values: [token] },
];

export const tagIn = (tags: readonly Tag[] | undefined, key: string): string | undefined =>
  tags?.find(({ Key }) => Key === key)?.Value;

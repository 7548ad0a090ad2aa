import type { LaunchOrder } from '../provider.ts';
import type { Maker } from './names.ts';
import type { AwsLaunchConfig } from './schema.ts';

/** EC2 takes no more, before it is put into base64. */
const bytesMax = 16_384;

/** What instances are told at their start, or nothing when it is too long: whose workers they are, and how. */
export const userDataOf = (
  { providerId, rootUrl }: Maker,
  { workerPoolId, launchConfigId, configuration }: LaunchOrder,
): string | undefined => {
  const { additionalUserData, region, workerConfig = {} } = configuration as unknown as AwsLaunchConfig;
  const text = JSON.stringify({
    ...additionalUserData,
    rootUrl,
    workerPoolId,
    providerId,
    workerGroup: region,
    launchConfigId,
    workerConfig,
  });
  const bytes = Buffer.from(text);
  return bytes.length > bytesMax ? undefined : bytes.toString('base64');
};

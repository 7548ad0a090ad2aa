import type { LaunchOrder } from '../provider.ts';
import type { Maker } from './names.ts';
import type { AwsLaunchConfig } from './schema.ts';

/** The most that EC2 accepts, before it is encoded in base64. */
const bytesMax = 16_384;

/** The user data of instances: their pool, and its settings for workers. Undefined when it is too long. */
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

import type { EC2, EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { AwsSettings } from './settings.ts';

/** EC2 in one region. Calls that are throttled are slowed down and tried again by the library, a few times. */
export type Region = Pick<
  EC2,
  | 'createFleet'
  | 'runInstances'
  | 'describeInstances'
  | 'terminateInstances'
  | 'describeSpotPriceHistory'
  | 'createLaunchTemplate'
  | 'describeLaunchTemplates'
  | 'deleteLaunchTemplate'
>;

export interface Regions {
  in(region: string): Promise<Region>;
  close(): void;
}

const attemptsMax = 3;

/** Opens regions when they are first used. The library is large, and is loaded with the first one. */
export const openRegions = ({ endpoint, accessKeyId, secretAccessKey }: AwsSettings): Regions => {
  const opened = new Map<string, Promise<EC2>>();
  const open = async (region: string): Promise<EC2> => {
    const { EC2 } = await import('@aws-sdk/client-ec2');
    const config: EC2ClientConfig = { region, retryMode: 'adaptive', maxAttempts: attemptsMax };
    if (endpoint) config.endpoint = endpoint;
    if (accessKeyId && secretAccessKey) config.credentials = { accessKeyId, secretAccessKey };
    return new EC2(config);
  };
  return {
    in: (region) => {
      const client = opened.get(region) ?? open(region);
      opened.set(region, client);
      return client;
    },
    close: () => {
      for (const client of opened.values()) void client.then((ec2) => ec2.destroy());
      opened.clear();
    },
  };
};

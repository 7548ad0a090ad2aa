import type {
  CreateFleetCommandInput,
  CreateFleetCommandOutput,
  EC2,
  EC2ClientConfig,
  RunInstancesCommandInput,
  RunInstancesCommandOutput,
} from '@aws-sdk/client-ec2';
import { seconds } from '../../../base/index.ts';
import type { AwsSettings } from './settings.ts';

/** Calls that may be repeated: what they make or end has a name. */
export type Reader = Pick<
  EC2,
  | 'describeInstances'
  | 'describeSpotPriceHistory'
  | 'describeLaunchTemplates'
  | 'createLaunchTemplate'
  | 'deleteLaunchTemplate'
  | 'terminateInstances'
>;

/** EC2 in one region. */
export interface Region {
  /** Slowed down when EC2 is asked too often, and tried again by the library a few times. */
  readonly reader: Reader;
  /**
   * Calls that start instances are sent once. The library would repeat an answer that there is no capacity three times at
   * once, and has no repeats left for a real fault after some of them; when to ask again is decided here.
   */
  createFleet(input: CreateFleetCommandInput): Promise<CreateFleetCommandOutput>;
  runInstances(input: RunInstancesCommandInput): Promise<RunInstancesCommandOutput>;
}

export interface Regions {
  in(region: string): Promise<Region>;
  close(): void;
}

const attemptsMax = 3;
/** An answer that has not come by then is lost: whether instances were started is not known. */
const answerMs = seconds(60);
const connectionMs = seconds(10);

interface Opened {
  readonly region: Region;
  readonly clients: readonly EC2[];
}

/** Opens regions when they are first used. The library is large, and is loaded with the first one. */
export const openRegions = (
  { endpoint, accessKeyId, secretAccessKey }: AwsSettings,
  { answerWithinMs = answerMs }: { readonly answerWithinMs?: number } = {},
): Regions => {
  const opened = new Map<string, Promise<Opened>>();
  const open = async (region: string): Promise<Opened> => {
    const { EC2: Client } = await import('@aws-sdk/client-ec2');
    const config: EC2ClientConfig = {
      region,
      // Without the last one the time-out is only logged.
      requestHandler: {
        connectionTimeout: connectionMs,
        requestTimeout: answerWithinMs,
        throwOnRequestTimeout: true,
      },
    };
    if (endpoint) config.endpoint = endpoint;
    if (accessKeyId && secretAccessKey) config.credentials = { accessKeyId, secretAccessKey };
    const reader = new Client({ ...config, retryMode: 'adaptive', maxAttempts: attemptsMax });
    const launcher = new Client({ ...config, maxAttempts: 1 });
    return {
      clients: [reader, launcher],
      region: {
        reader,
        createFleet: (input) => launcher.createFleet(input),
        runInstances: (input) => launcher.runInstances(input),
      },
    };
  };
  return {
    in: async (region) => {
      const client = opened.get(region) ?? open(region);
      opened.set(region, client);
      return (await client).region;
    },
    close: () => {
      for (const each of opened.values()) {
        void each.then(({ clients }) => {
          for (const client of clients) client.destroy();
        });
      }
      opened.clear();
    },
  };
};

import { seconds } from '../../../base/index.ts';
import type { Provider, ProviderContext } from '../provider.ts';
import { createIdentify } from './identity.ts';
import { type AwsContext, launch } from './launch.ts';
import { readPrices } from './prices.ts';
import { openRegions } from './regions.ts';
import { awsFleetConfig } from './schema.ts';
import type { AwsSettings } from './settings.ts';
import { createSweep, terminate } from './sweep.ts';

export { awsFleetConfig } from './schema.ts';
export { AwsSettings } from './settings.ts';

const sweepSecondsStandard = 15;

/** Workers that are instances of EC2. Its library is loaded when it is first needed. */
export const awsProvider = (deps: ProviderContext, settings: AwsSettings): Provider => {
  const regions = openRegions(settings);
  const context: AwsContext = {
    deps,
    regions,
    maker: () => ({ providerId: deps.providerId, rootUrl: deps.rootUrl() }),
  };
  return {
    providerId: deps.providerId,
    providerType: 'aws',
    configSchema: awsFleetConfig,
    identify: createIdentify(context, settings.certificates ?? []),
    machines: {
      sweepEveryMs: seconds(settings.sweepSeconds ?? sweepSecondsStandard),
      launch: (orders) => launch(context, orders),
      sweep: createSweep({ context, regions: settings.regions ?? [] }),
      terminate: (workers) => terminate(context, workers),
      prices: (configs) => readPrices(context, configs),
      close: async () => regions.close(),
    },
  };
};

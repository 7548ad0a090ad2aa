import { nullProviderId } from '../../lifecycle.ts';
import { nullConfig } from '../../schema/index.ts';
import type { Provider } from '../provider.ts';

/** The provider of pools that are winding down: it starts nothing and admits no worker. */
export const nullProvider: Provider = {
  providerId: nullProviderId,
  providerType: 'null',
  configSchema: nullConfig,
};

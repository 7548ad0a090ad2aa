import { isSecretOf } from '../../digest.ts';
import { staticConfig } from '../../schema/index.ts';
import type { Provider } from '../provider.ts';

/** Workers that an operator creates, each with a secret, and starts somewhere. */
export const staticProvider = (providerId: string): Provider => ({
  providerId,
  providerType: 'static',
  configSchema: staticConfig,
  identify: async ({ staticSecretDigest, facts }, { staticSecret }) =>
    isSecretOf(staticSecretDigest, staticSecret) ? facts : 'refused',
});

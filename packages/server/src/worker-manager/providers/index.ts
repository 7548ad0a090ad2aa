import { type Static, Type } from 'typebox';
import { exactly, identifierPattern } from '../../http/index.ts';
import { nullProviderId } from '../lifecycle.ts';
import { AwsSettings, awsFleetConfig, awsProvider } from './aws/index.ts';
import { type LocalSettings, localProvider } from './local/index.ts';
import { localConfig } from './local/schema.ts';
import { nullProvider } from './null/index.ts';
import type { Provider, ProviderContext } from './provider.ts';
import { staticProvider } from './static/index.ts';

export type { LocalSettings } from './local/index.ts';

const StaticSettings = exactly({ providerType: Type.Literal('static') });

/** Providers of the configuration, by id. Those that need no settings exist without it. */
export const ProviderSettings = Type.Record(
  Type.String({ pattern: identifierPattern.source }),
  Type.Union([StaticSettings, AwsSettings]),
);
export type ProviderSettings = Static<typeof ProviderSettings>;

/** The shapes of pools' configs that are our own. */
export const providerSchemas = [localConfig, awsFleetConfig];

/** The provider of pools on this machine. It exists where the platform knows how to start a worker. */
export const localProviderId = 'local';

export interface ProvidersWanted {
  readonly configured: ProviderSettings;
  readonly local: LocalSettings | undefined;
  depsOf(providerId: string): ProviderContext;
}

/** All providers of this deployment, by id. */
export const createProviders = ({ configured, local, depsOf }: ProvidersWanted): Map<string, Provider> => {
  const all = [
    staticProvider('static'),
    ...(local ? [localProvider(depsOf(localProviderId), local)] : []),
    ...Object.entries(configured).map(([providerId, settings]) =>
      configuredProvider(settings, depsOf(providerId)),
    ),
    nullProvider,
  ];
  return new Map(all.map((provider) => [provider.providerId, provider]));
};

const configuredProvider = (settings: ProviderSettings[string], deps: ProviderContext): Provider => {
  switch (settings.providerType) {
    case 'static':
      return staticProvider(deps.providerId);
    case 'aws':
      return awsProvider(deps, settings);
  }
};

/** Ids that the configuration cannot give away. */
export const reservedProviderIds: readonly string[] = ['static', localProviderId, nullProviderId];

import { api } from '../session/api.ts';
import { allPages } from '../shell/all-pages.ts';
import { type Check, publishedCheck } from '../shell/schema-check.ts';

/** The names of the schemas of configs, where they are not those of the types of providers. */
const configNames: Readonly<Record<string, string>> = { aws: 'aws-fleet' };

/** Who may not list providers has the configs checked by the server alone, when they are saved. */
const providersNow = async () => {
  const { workerManager } = await api();
  return allPages(
    (continuationToken) => workerManager.listProviders({ continuationToken }),
    ({ providers }) => providers,
  ).catch(() => []);
};

/** Checks a worker pool by the schema of its request, and its config by that of its provider. */
export const poolCheck = async (request: 'create' | 'update'): Promise<Check> => {
  const [whole, providers] = await Promise.all([
    publishedCheck(`worker-manager/v1/${request}-worker-pool-request`),
    providersNow(),
  ]);
  const configChecks = new Map(
    await Promise.all(
      providers.map(async ({ providerId, providerType }) => {
        const name = `worker-manager/v1/config-${configNames[providerType] ?? providerType}`;
        return [providerId, await publishedCheck(name)] as const;
      }),
    ),
  );
  const ofConfig: Check = (edited) => {
    const { providerId, config } = (edited ?? {}) as { providerId?: unknown; config?: unknown };
    if (configChecks.size === 0 || config === undefined) return [];
    const check = configChecks.get(String(providerId));
    if (!check) {
      const message = `is none of the providers here: ${[...configChecks.keys()].join(', ')}`;
      return [{ pointer: '/providerId', message }];
    }
    return check(config).map(({ pointer, message }) => ({ pointer: `/config${pointer}`, message }));
  };
  return (edited) => [...whole(edited), ...ofConfig(edited)];
};

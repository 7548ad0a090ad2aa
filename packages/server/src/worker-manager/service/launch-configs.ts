import { createHash } from 'node:crypto';
import { canonical, RequestError, type Transaction } from '../../base/index.ts';
import type { Message } from '../../events/index.ts';
import * as events from '../events.ts';
import * as store from '../store/index.ts';

/** A config as it was written: what it says beyond a few fields is its provider's. */
export type Configuration = Readonly<Record<string, unknown>>;

/** A pool's config as it is stored: the launch configs apart, each with its id. */
export interface SplitConfig {
  readonly config: string;
  readonly launchConfigs: readonly store.LaunchConfigToWrite[];
}

type Block = Readonly<Record<string, unknown>>;

const withoutBlock = ({ workerManager, ...rest }: Configuration): Configuration => rest;
const blockOf = ({ workerManager = {} }: Configuration): Block => workerManager as Block;

/** The id that a launch config gives itself, or the one that follows from its content. */
export const launchConfigIdOf = (configuration: Configuration): string => {
  const { launchConfigId } = blockOf(configuration);
  if (typeof launchConfigId === 'string') return launchConfigId;
  const hash = createHash('sha256')
    .update(canonical(withoutBlock(configuration)))
    .digest('hex');
  return `lc-${hash.slice(0, 20)}`;
};

const withId = (configuration: Configuration): store.LaunchConfigToWrite => {
  const launchConfigId = launchConfigIdOf(configuration);
  const workerManager = { ...blockOf(configuration), launchConfigId };
  return { launchConfigId, configuration: JSON.stringify({ ...configuration, workerManager }) };
};

/** Takes the launch configs out of a pool's config. */
export const splitConfig = (config: Configuration): SplitConfig => {
  const given = Array.isArray(config.launchConfigs) ? (config.launchConfigs as Configuration[]) : undefined;
  const launchConfigs = (given ?? []).map(withId);
  const ids = launchConfigs.map(({ launchConfigId }) => launchConfigId);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) {
    throw new RequestError('InputError', `Two launch configs of the pool have the id ${twice}.`);
  }
  return { config: JSON.stringify(given ? { ...config, launchConfigs: [] } : config), launchConfigs };
};

/** Puts the launch configs back into a pool's config. */
export const joinConfig = (
  config: string,
  launchConfigs: readonly { readonly configuration: string }[],
): Record<string, unknown> => {
  const joined = JSON.parse(config) as Record<string, unknown>;
  if (!('launchConfigs' in joined)) return joined;
  return {
    ...joined,
    launchConfigs: launchConfigs.map(({ configuration }) => JSON.parse(configuration) as object),
  };
};

const isSame = (one: string, other: string): boolean =>
  canonical(JSON.parse(one)) === canonical(JSON.parse(other));

const saysTheSame = (one: string, other: string): boolean =>
  canonical(withoutBlock(JSON.parse(one) as Configuration)) ===
  canonical(withoutBlock(JSON.parse(other) as Configuration));

interface Pool {
  readonly workerPoolId: string;
  readonly providerId: string;
}

/**
 * Makes these the launch configs of a pool: new ones are added, archived ones come back, those left out are archived.
 * An id always stands for the same content. Returns the messages about it.
 */
export const replaceLaunchConfigs = async (
  tx: Transaction,
  pool: Pool,
  { launchConfigs: configs, now }: Pick<SplitConfig, 'launchConfigs'> & { now: Date },
): Promise<Message[]> => {
  const { workerPoolId } = pool;
  const known = new Map(
    (await store.launchConfigsOf(tx, workerPoolId)).map((row) => [row.launchConfigId, row]),
  );
  const created: string[] = [];
  const updated: string[] = [];
  for (const { launchConfigId, configuration } of configs) {
    const before = known.get(launchConfigId);
    if (!before) created.push(launchConfigId);
    else if (!saysTheSame(before.configuration, configuration)) {
      throw new RequestError(
        'RequestConflict',
        `The launch config ${launchConfigId} of ${workerPoolId} has other content; give the new one another id.`,
      );
    } else if (before.isArchived || !isSame(before.configuration, configuration))
      updated.push(launchConfigId);
  }
  const wanted = new Set(configs.map(({ launchConfigId }) => launchConfigId));
  const archived = [...known.values()]
    .filter((row) => !row.isArchived && !wanted.has(row.launchConfigId))
    .map((row) => row.launchConfigId);
  await store.writeLaunchConfigs(tx, { workerPoolId, configs, changed: updated }, now);
  await store.archiveLaunchConfigs(tx, { workerPoolId, launchConfigIds: archived }, now);
  return [
    ...created.map((id) => events.launchConfigCreated(pool, id)),
    ...updated.map((id) => events.launchConfigUpdated(pool, id)),
    ...archived.map((id) => events.launchConfigArchived(pool, id)),
  ];
};

import { RequestError } from '../../base/index.ts';
import { mistakeInSchedule, type ScalingConfig } from '../provisioning/index.ts';
import type { Provisioning } from '../schema/index.ts';
import type { Configuration } from './launch-configs.ts';
import { choiceOf } from './pool-facts.ts';

/**
 * Refuses a config of a pool for what the schema of its provider cannot say; names the field. The schemas are those of the
 * original, which takes what can never be fulfilled, and starts nothing for it. Pools that have such a config are decided
 * about as ever; it is refused when it is written.
 */
export const requireSoundConfig = (config: object): void => {
  const mistake = mistakeIn(config as PoolConfig);
  if (mistake !== undefined) throw new RequestError('InputError', mistake);
};

interface PoolConfig extends Partial<ScalingConfig> {
  readonly lifecycle?: Readonly<Record<string, number | undefined>>;
  readonly launchConfigs?: readonly Configuration[];
}

const mistakeIn = ({ provisioning = {}, ...config }: PoolConfig): string | undefined =>
  mistakeInLifecycle(config) ??
  mistakeInOptions(provisioning) ??
  mistakeInSchedule(provisioning) ??
  mistakeInCapacity(config, provisioning) ??
  mistakeInPrices(config);

// The published schema sets no least value; a worker with no time at all would be ended before it has booted.
const mistakeInLifecycle = ({ lifecycle = {} }: PoolConfig): string | undefined => {
  const short = ['registrationTimeout', 'reregistrationTimeout'].find((name) => (lifecycle[name] ?? 1) < 1);
  return short && `config.lifecycle.${short} must be at least 1 second.`;
};

const mistakeInOptions = ({ keepMinimum, scaleIn }: Provisioning): string | undefined =>
  keepMinimum && !scaleIn
    ? 'config.provisioning.keepMinimum wants scaleIn beside it: nothing else would end workers that are too many.'
    : undefined;

/** A least capacity that can never be there. */
const mistakeInCapacity = (
  { minCapacity = 0, maxCapacity, launchConfigs = [] }: PoolConfig,
  { warm = [] }: Provisioning,
): string | undefined => {
  if (maxCapacity === undefined) return undefined;
  if (minCapacity > maxCapacity) {
    return `config.minCapacity is ${minCapacity}, more than config.maxCapacity, which is ${maxCapacity}.`;
  }
  const tooWarm = warm.findIndex(({ capacity }) => capacity > maxCapacity);
  if (tooWarm >= 0) {
    return `config.provisioning.warm[${tooWarm}].capacity is ${warm[tooWarm]?.capacity}, more than config.maxCapacity, which is ${maxCapacity}.`;
  }
  if (minCapacity === 0) return undefined;
  if (launchConfigs.length === 0) {
    return `config.launchConfigs is empty, so that config.minCapacity, which is ${minCapacity}, can never be there.`;
  }
  const canStart = launchConfigs.some((each) => {
    const { capacityPerInstance, initialWeight, maxCapacity: most = maxCapacity } = choiceOf(each);
    return initialWeight > 0 && capacityPerInstance <= Math.min(most, maxCapacity);
  });
  return canStart
    ? undefined
    : `config.minCapacity is ${minCapacity}, and config.launchConfigs has none that can start a worker: each has an initialWeight of 0, or a capacityPerInstance above the most that is allowed.`;
};

const mistakeInPrices = ({ launchConfigs = [] }: PoolConfig): string | undefined => {
  const wrong = launchConfigs.findIndex((each) => {
    const { minPricePerUtility = 0, maxPricePerUtility = Number.POSITIVE_INFINITY } = choiceOf(each);
    return minPricePerUtility > maxPricePerUtility;
  });
  return wrong < 0
    ? undefined
    : `config.launchConfigs[${wrong}].workerManager.minPricePerUtility is more than maxPricePerUtility: it would never be started.`;
};

import { RequestError } from '../../base/index.ts';
import { mistakeInSchedule, type ScalingConfig } from '../provisioning/index.ts';

/** Refuses a config of a pool for what the schema of its provider cannot say; names the field. */
export const requireSoundConfig = (config: object): void => {
  const mistake = mistakeIn(config as ScalingConfig & { readonly lifecycle?: Lifecycle });
  if (mistake !== undefined) throw new RequestError('InputError', mistake);
};

type Lifecycle = Readonly<Record<string, number | undefined>>;

const mistakeIn = ({
  lifecycle = {},
  provisioning = {},
}: Pick<ScalingConfig, 'provisioning'> & { readonly lifecycle?: Lifecycle }): string | undefined => {
  // The published schema sets no least value; a worker with no time at all would be ended before it has booted.
  const short = ['registrationTimeout', 'reregistrationTimeout'].find((name) => (lifecycle[name] ?? 1) < 1);
  if (short !== undefined) return `config.lifecycle.${short} must be at least 1 second.`;
  if (provisioning.keepMinimum && !provisioning.scaleIn) {
    return 'config.provisioning.keepMinimum wants scaleIn beside it: nothing else would end workers that are too many.';
  }
  return mistakeInSchedule(provisioning);
};

import { systemClock } from '../../base/index.ts';
import type { Config } from '../../config/index.ts';
import { backendsOf } from '../../domain-settings.ts';
import { tryBackends } from '../../objects/index.ts';
import { type Finding, fault, ok } from './finding.ts';

/** Whether each place for artifacts and objects can be written to, read and cleaned. */
export const examineStore = async (config: Config): Promise<Finding[]> => {
  const { backends } = backendsOf(config);
  const reasons = await tryBackends({ backends, clock: systemClock, rootUrl: () => '' });
  return [...reasons].map(([id, reason]) =>
    reason === undefined
      ? ok(`${id}: can be written to, read and cleaned`)
      : fault(`${id}: ${reason}.`, 'Correct bucket, endpoint, region, key and its rights, or the folder.'),
  );
};

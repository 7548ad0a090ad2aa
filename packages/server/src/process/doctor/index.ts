import type { Config } from '../../config/index.ts';
import { examineBroker } from './broker.ts';
import { examineStore } from './bytes.ts';
import { examineDatabase } from './database.ts';
import type { Finding } from './finding.ts';
import { examineFolder, examineMachine } from './machine.ts';
import { examinePorts } from './ports.ts';

/** A finding, and the check that made it. */
export interface Diagnosis extends Finding {
  readonly check: string;
}

/** Each examines one party, and never rejects because of what it finds. */
const checks: Readonly<Record<string, (config: Config) => Promise<Finding[]>>> = {
  machine: examineMachine,
  'data folder': examineFolder,
  database: examineDatabase,
  broker: examineBroker,
  store: examineStore,
  ports: examinePorts,
};

/**
 * Examines all that a platform of this configuration needs, whether it runs or not, and removes what it wrote for that,
 * but for empty folders.
 */
export const examine = async (config: Config): Promise<Diagnosis[]> => {
  const findings = await Promise.all(
    Object.entries(checks).map(async ([check, run]) =>
      (await run(config)).map((finding) => ({ check, ...finding })),
    ),
  );
  return findings.flat();
};

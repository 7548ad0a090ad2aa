import { examine, readConfig } from '@taskyard/server';
import { aHome, type Ending } from './platform.ts';

/** What the doctor says of a broker, as `level: message`. */
export const askDoctorOfBroker = async (test: Ending, amqpUrl: string): Promise<string[]> => {
  const overrides = { data: (await aHome(test)).path, port: 0, amqpUrl };
  const found = await examine(readConfig({ env: {}, overrides }));
  return found.flatMap(({ check, level, message }) => (check === 'broker' ? [`${level}: ${message}`] : []));
};

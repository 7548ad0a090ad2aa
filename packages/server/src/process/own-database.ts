import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createLog, postgresFolder, runningPostgresUrl, startEmbeddedPostgres } from '../base/index.ts';

/** Whether a data folder has a database of ours, running or not. */
export const hasPlatform = (data: string): Promise<boolean> =>
  access(join(data, postgresFolder, 'data/PG_VERSION')).then(
    () => true,
    () => false,
  );

/** Does something with the database of a data folder: the one that runs, else one that is started for it. */
export const withDatabase = async <T>(data: string, action: (url: string) => Promise<T>): Promise<T> => {
  const running = await runningPostgresUrl(data);
  if (running) return action(running);
  const postgres = await startEmbeddedPostgres({ dataDir: data, log: createLog({ level: 'fatal' }) });
  try {
    return await action(postgres.tcpUrl);
  } finally {
    await postgres.stop();
  }
};

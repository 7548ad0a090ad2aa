import { join, resolve } from 'node:path';
import { type ArtifactVerbs, createArtifacts } from '../artifacts/index.ts';
import {
  type BaseContext,
  connect,
  createLog,
  days,
  hours,
  type Loop,
  later,
  newestMigration,
  readMigrations,
  systemClock,
} from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { backendsOf } from '../domain-settings.ts';
import { createObjects } from '../objects/index.ts';
import { holdSettled, readStatuses, settledAmong, shareStatuses } from '../queue/index.ts';
import { type CleanedFiles, cleanCaches } from './clean-caches.ts';
import { cleanLogs } from './clean-logs.ts';
import { hasPlatform, withDatabase } from './own-database.ts';

/** What was deleted from the data folder, or would be; sizes are in bytes. */
export interface Cleaned {
  readonly artifacts: { readonly runs: number; readonly bytes: number };
  readonly caches: CleanedFiles;
  readonly logs: CleanedFiles;
}

interface How {
  readonly isDryRun: boolean;
}

const mebibyte = 1024 * 1024;

const cleanFolder = async (
  { data, cleaning }: Config,
  { cleanArtifacts }: Pick<ArtifactVerbs, 'cleanArtifacts'>,
  how: How,
): Promise<Cleaned> => {
  const { artifactDays, logDays = artifactDays, artifactMiB, cacheDays, cacheMiB, logMiB } = cleaning;
  const now = systemClock.now();
  const before = (age: number): Date => later(now, -days(age));
  return {
    artifacts: await cleanArtifacts(
      {
        artifactsBefore: artifactDays === undefined ? undefined : before(artifactDays),
        logsBefore: logDays === undefined ? undefined : before(logDays),
        bytesMax: artifactMiB === undefined ? undefined : artifactMiB * mebibyte,
      },
      how,
    ),
    caches: await cleanCaches(
      join(data, 'local-workers', 'work'),
      { usedBefore: before(cacheDays), now, bytesMax: cacheMiB * mebibyte },
      how,
    ),
    logs: await cleanLogs(data, { bytesMax: logMiB * mebibyte, ...how }),
  };
};

/** Background work: keeps the data folder within the bounds of the configuration. */
export const cleaningLoop = (config: Config, artifacts: Pick<ArtifactVerbs, 'cleanArtifacts'>): Loop => ({
  name: 'clean-data-folder',
  everyMs: hours(1),
  limit: Number.POSITIVE_INFINITY,
  step: async () => {
    const { artifacts: gone, caches, logs } = await cleanFolder(config, artifacts, { isDryRun: false });
    return gone.runs + caches.count + logs.count;
  },
});

/** The data folder cannot be cleaned; the message is for people. */
export class CleaningError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CleaningError';
  }
}

const requireOurVersion = async (url: string): Promise<void> => {
  const [theirs, ours] = [await newestMigration(url), (await readMigrations()).at(-1)?.number ?? 0];
  if (theirs === ours) return;
  throw new CleaningError(
    `The database is at migration ${theirs}, and this version of Taskyard at ${ours}: ` +
      (theirs > ours ? 'use the version that has started it.' : 'start it once with this version.'),
  );
};

/** The artifacts of a deployment, without anything else of it. */
const openArtifacts = (config: Config, base: BaseContext): ArtifactVerbs => {
  const objects = createObjects({ ...base, rootUrl: () => '', ...backendsOf(config) }).verbs;
  const issueCredentials = () => {
    throw new Error('Cleaning issues no credentials');
  };
  const tasks = { readStatuses, shareStatuses, settledAmong, holdSettled };
  return createArtifacts({ ...base, ...tasks, objects, issueCredentials }).verbs;
};

/**
 * Deletes from the data folder what is beyond the bounds of the configuration, while the platform runs or not. With
 * `isDryRun` it only says what it would delete. Throws a {@link CleaningError} where there is no platform.
 */
export const clean = async (given: Config, how: How): Promise<Cleaned> => {
  const config = { ...given, data: resolve(given.data) };
  const cleanBy = async (url: string): Promise<Cleaned> => {
    await requireOurVersion(url);
    const log = createLog({ level: 'fatal' });
    const db = connect({ url, poolSizeMax: 2, onError: () => {} });
    try {
      return await cleanFolder(config, openArtifacts(config, { db, clock: systemClock, log }), how);
    } finally {
      await db.close();
    }
  };
  if (config.databaseUrl) return cleanBy(config.databaseSessionUrl ?? config.databaseUrl);
  if (!(await hasPlatform(config.data))) throw new CleaningError(`There is no platform in ${config.data}.`);
  return withDatabase(config.data, cleanBy);
};

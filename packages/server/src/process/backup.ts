import { access, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  type Archive,
  backUpCluster,
  embeddedMajorVersion,
  newestMigration,
  postgresFolder,
  readMigrations,
  runningPostgresUrl,
  systemClock,
} from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { BackupError, type Manifest, manifestName, readArchive, writeArchive } from './backup-format.ts';
import { hasPlatform, withDatabase } from './own-database.ts';
import { version } from './version.ts';

const thisPlatform = `${process.platform}-${process.arch}`;

/** Files of the data folder besides PostgreSQL's: keys, and artifacts on disk. Caches, logs and results are not backed up. */
const keptFiles = ['encryption.keys', `${postgresFolder}/password`];
const objectsFolder = 'objects';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const majorVersion = async (data: string): Promise<string> =>
  (await readFile(join(data, postgresFolder, 'data/PG_VERSION'), 'utf8')).trim();

const addFolder = async (archive: Archive, data: string, name: string): Promise<void> => {
  const entries = await readdir(join(data, name), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const inner = `${name}/${entry.name}`;
    if (entry.isDirectory()) await addFolder(archive, data, inner);
    else if (entry.isFile()) await archive.file(inner, join(data, inner));
  }
};

const requireOwnDatabase = async ({ data, databaseUrl }: Config): Promise<void> => {
  if (databaseUrl) {
    throw new BackupError(
      'The database is your own (DATABASE_URL): back it up with pg_dump, and the data folder with it.',
    );
  }
  if (!(await hasPlatform(data))) {
    throw new BackupError(`There is no platform in ${data}.`);
  }
};

/**
 * Writes a backup of the platform in the data folder, running or not: database, encryption keys, and artifacts on disk.
 * Returns its description. The file must not exist.
 */
export const backUp = async (config: Config, file: string): Promise<Manifest> => {
  await requireOwnDatabase(config);
  const data = resolve(config.data);
  const target = resolve(file);
  if (await exists(target)) throw new BackupError(`${file} exists already.`);
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { force: true });
  try {
    const manifest = await withDatabase(data, async (url) => {
      const described: Manifest = {
        format: 1,
        taskyard: await version(),
        migration: await newestMigration(url),
        postgres: await majorVersion(data),
        platform: thisPlatform,
        created: systemClock.now().toJSON(),
      };
      await writeArchive(unfinished, async (archive) => {
        await archive.text(manifestName, `${JSON.stringify(described, null, 2)}\n`);
        for (const name of keptFiles) await archive.file(name, join(data, name));
        await backUpCluster({ dataDir: data, url }, archive);
        // Last, so that every artifact in the copied database has its bytes.
        await addFolder(archive, data, objectsFolder);
      });
      return described;
    });
    await rename(unfinished, target);
    return manifest;
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
};

const requireEmpty = async (data: string): Promise<void> => {
  if (await runningPostgresUrl(data))
    throw new BackupError(`A platform runs on ${data}. Stop it, and name an empty folder.`);
  const [found] = await readdir(data).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new BackupError(`${data} cannot be read: ${error.message}`);
  });
  if (found !== undefined) {
    throw new BackupError(
      `${data} is not empty: it holds ${found}. Restore into an empty folder, or one that does not exist.`,
    );
  }
};

const requireFit = async ({ taskyard, migration, platform, postgres }: Manifest): Promise<void> => {
  const known = (await readMigrations()).at(-1)?.number ?? 0;
  if (migration > known) {
    throw new BackupError(
      `It was made by Taskyard ${taskyard}, whose database is at migration ${migration}; this version knows ${known} at most.`,
    );
  }
  if (platform !== thisPlatform) {
    throw new BackupError(`It was made on ${platform}; its database does not run on ${thisPlatform}.`);
  }
  const ours = await embeddedMajorVersion();
  if (postgres !== ours) {
    throw new BackupError(
      `Its database is one of PostgreSQL ${postgres}; this version of Taskyard has ${ours}.`,
    );
  }
};

/**
 * Restores a backup into a data folder that is empty or missing. A platform that starts there continues where the other one
 * was at the end of its backup. Returns the description of the backup.
 */
export const restore = async ({ data }: Config, file: string): Promise<Manifest> => {
  await requireEmpty(data);
  if (!(await exists(file))) throw new BackupError(`There is no file ${file}.`);
  const folder = resolve(data);
  const isNew = !(await exists(folder));
  const unfinished = join(folder, 'restoring');
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  try {
    const manifest = await readArchive(file, unfinished, requireFit);
    for (const name of await readdir(unfinished)) await rename(join(unfinished, name), join(folder, name));
    await rmdir(unfinished);
    return manifest;
  } catch (error) {
    await rm(isNew ? folder : unfinished, { recursive: true, force: true });
    if (error instanceof BackupError) throw new BackupError(`${file} cannot be restored. ${error.message}`);
    throw new BackupError(`${file} cannot be restored: ${(error as Error).message}`, { cause: error });
  }
};

import { type DatabaseFacts, migrate, oldestPostgres, readDatabaseFacts } from '../base/index.ts';
import type { Config } from '../config/index.ts';

/**
 * Applies the migrations that a database lacks; refuses one of an operator that is too old, has another encoding, or may lose
 * what it has committed. Returns its URL: that of the configuration, else that of the embedded one.
 */
export const prepareDatabase = async (config: Config, embeddedUrl: string | undefined): Promise<string> => {
  const url = config.databaseUrl ?? embeddedUrl;
  if (url === undefined) throw new Error('There is neither a database of an operator nor an embedded one.');
  const sessionUrl = config.databaseSessionUrl ?? url;
  if (config.databaseUrl !== undefined) {
    const reason = whyRefused(await readDatabaseFacts(sessionUrl), config);
    if (reason !== undefined) throw new Error(reason);
  }
  await migrate(sessionUrl);
  return url;
};

/** Why a database of an operator is not used, in whole sentences; undefined when it is. */
export const whyRefused = (
  { version, versionNumber, encoding, unsafeSettings }: DatabaseFacts,
  { databaseMayLose }: Pick<Config, 'databaseMayLose'>,
): string | undefined => {
  if (versionNumber < oldestPostgres * 10_000)
    return `The database is PostgreSQL ${version}; Taskyard needs ${oldestPostgres} or later.`;
  if (encoding !== 'UTF8')
    return `The database has the encoding ${encoding}; create one with UTF8, which Taskyard needs.`;
  if (databaseMayLose || unsafeSettings.length === 0) return undefined;
  return (
    `The database has ${unsafeSettings.join(', ')} off: it may lose tasks that were acknowledged. ` +
    'Turn that on, or set DATABASE_MAY_LOSE=true if you mean it.'
  );
};

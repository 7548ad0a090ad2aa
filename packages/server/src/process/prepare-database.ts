import { migrate, readDatabaseFacts } from '../base/index.ts';
import type { Config } from '../config/index.ts';

/**
 * Applies the migrations that a database lacks; refuses one of an operator that may lose what it has committed. Returns
 * its URL: that of the configuration, else that of the embedded one.
 */
export const prepareDatabase = async (config: Config, embeddedUrl: string | undefined): Promise<string> => {
  const url = config.databaseUrl ?? embeddedUrl;
  if (url === undefined) throw new Error('There is neither a database of an operator nor an embedded one.');
  const sessionUrl = config.databaseSessionUrl ?? url;
  if (config.databaseUrl !== undefined && !config.databaseMayLose) await requireDurable(sessionUrl);
  await migrate(sessionUrl);
  return url;
};

const requireDurable = async (url: string): Promise<void> => {
  const { unsafeSettings: unsafe } = await readDatabaseFacts(url);
  if (unsafe.length === 0) return;
  throw new Error(
    `The database has ${unsafe.join(', ')} off: it may lose tasks that were acknowledged. ` +
      'Turn that on, or set DATABASE_MAY_LOSE=true if you mean it.',
  );
};

import { openSession } from './servers.ts';

/**
 * The settings by which a server may lose what it has committed, as it gives them to sessions of this role: without
 * `fsync` or `full_page_writes` after a failure of the machine, without `synchronous_commit` after its own.
 */
export const readUnsafeSettings = async (url: string): Promise<string[]> => {
  const client = await openSession(url, 'taskyard-check');
  try {
    const { rows } = await client.query<{ name: string }>(`
      select name from pg_settings
       where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name`);
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
};

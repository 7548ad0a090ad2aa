import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ownClients, type StaticClient } from '../auth/index.ts';
import { type Encryption, encryption } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import { builtInWorkerScopes } from './built-in-worker.ts';

/** The secrets of this deployment. */
export interface Secrets {
  readonly encryption: Encryption;
  readonly staticClients: readonly StaticClient[];
}

/** The keys of the configuration, or those of the data folder, which are created at the first start. */
const readKeys = async ({ encryptionKeys, data }: Config): Promise<string> => {
  if (encryptionKeys) return encryptionKeys;
  const file = join(data, 'encryption.keys');
  const kept = await readIfThere(file);
  if (kept !== undefined) return requireKeys(kept, file);
  await mkdir(data, { recursive: true });
  const made = `first:${randomBytes(32).toString('base64')}`;
  // Written to another file and then linked, so that another starting process reads all of it or nothing.
  const beside = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(beside, `${made}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await link(beside, file);
    return made;
  } catch (error) {
    // Another process was faster, and its keys encrypt the database.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return requireKeys(await readFile(file, 'utf8'), file);
  } finally {
    await unlink(beside);
  }
};

/** Only a missing file may be created. One that cannot be read contains keys that nothing can replace. */
const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new Error(`The encryption keys in ${file} cannot be read: ${message}`);
  }
};

const requireKeys = (text: string, file: string): string => {
  const keys = text.trim();
  if (keys !== '') return keys;
  throw new Error(`${file} is empty. Restore it from a backup: without its keys no secret can be decrypted.`);
};

const parseKeys = (text: string): [name: string, key: string][] =>
  text.split(',').map((entry) => {
    const colon = entry.indexOf(':');
    return [entry.slice(0, colon), entry.slice(colon + 1)];
  });

/**
 * The secrets of a deployment. The initial tokens of its own clients are derived from the oldest key. They stay the same when
 * that key is retired, until the configuration sets others.
 */
export const readSecrets = async (config: Config): Promise<Secrets> => {
  const keys = parseKeys(await readKeys(config));
  const [current] = keys[0] as [string, string];
  const encrypted = encryption({ keys: new Map(keys), current });
  const given = config.staticClients ?? [];
  const own = (clientId: string, description: string, scopes: readonly string[] = ['*']): StaticClient => {
    const token = given.find((client) => client.clientId === clientId)?.accessToken;
    // All processes with the same keys derive the same, so they need not exchange it.
    const accessToken = token ?? encrypted.derive(`the access token of ${clientId}`);
    return { clientId, accessToken, description, scopes, keepsToken: token === undefined };
  };
  return {
    encryption: encrypted,
    staticClients: [
      own(ownClients.root, 'The operator of this deployment.'),
      own(ownClients.queue, 'Issues the credentials of tasks.'),
      own(ownClients.worker, 'The worker that runs beside this platform.', builtInWorkerScopes),
      ...given.flatMap(({ description, scopes, ...client }) =>
        description === undefined || scopes === undefined ? [] : [{ ...client, description, scopes }],
      ),
    ],
  };
};

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Credentials } from '@taskyard/client';

/** The stored registration of a worker. It contains secrets, and only the worker's user can read it. */
export interface StoredRegistration {
  readonly workerPoolId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly credentials: Credentials;
  /** For the next registration. It holds once. */
  readonly secret: string;
  readonly expires: string;
  /** The worker's settings from worker-manager. */
  readonly workerConfig: Record<string, unknown>;
}

/** Returns nothing when there is none, or it was half written. */
export const readRegistration = async (path: string): Promise<StoredRegistration | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as StoredRegistration;
  } catch {
    return undefined;
  }
};

export const storeRegistration = async (path: string, registration: StoredRegistration): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  await writeFile(draft, JSON.stringify(registration), { mode: 0o600 });
  await rename(draft, path);
};

import { randomBytes } from 'node:crypto';
import type { Backend } from './bytes/backend.ts';

const content = Buffer.from('tyard doctor');

/** Writes few bytes to a backend, finds them and removes them; returns why that fails, or undefined. */
const trialOf = async (backend: Backend): Promise<string | undefined> => {
  const key = `doctor/${randomBytes(6).toString('hex')}`;
  try {
    await backend.write(key, content, 'text/plain');
    const found = await backend.find(key);
    if (found?.contentLength !== content.length) return 'what was written is not there';
    const free = await backend.remove([key]);
    return free.includes(key) ? undefined : 'what was written cannot be removed';
  } catch (error) {
    const { name, message } = error as Error;
    return message || name;
  }
};

/** Tries each backend; the result has a reason for each that fails. */
export const tryOpened = async (
  backends: ReadonlyMap<string, Backend>,
): Promise<ReadonlyMap<string, string | undefined>> =>
  new Map(
    await Promise.all([...backends].map(async ([id, backend]) => [id, await trialOf(backend)] as const)),
  );

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Puts the PostgreSQL data that a first start of the platform makes into a data folder that has none. Making them
 * takes seconds of a processor, which `npm test` spends once for all platforms of a run. A file that is run without
 * `npm test` lets the platform make them.
 */
export const putMadeDatabase = async (dataDir: string): Promise<void> => {
  const made = process.env.TASKYARD_TEST_MADE_DATABASE;
  const own = join(dataDir, 'postgres');
  if (!made || existsSync(own)) return;
  await mkdir(dataDir, { recursive: true });
  // It keeps owners and modes, which PostgreSQL looks at.
  await promisify(execFile)('cp', ['-a', made, own]);
};

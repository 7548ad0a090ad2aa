import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A directory that lives as long as a test. */
export const temporaryDirectory = async (test: TestContext): Promise<string> => {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'taskyard-worker-')));
  test.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
};

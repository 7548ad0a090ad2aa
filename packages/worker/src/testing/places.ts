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

/** Waits until a condition holds that nothing reports: asked again and again, with a pause between. */
export const eventually = async <T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

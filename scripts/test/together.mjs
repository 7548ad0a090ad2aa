// Runs several test files in one process, one after the other, each as if alone: a suite of its own holds its tests
// and its hooks. What they load, they load once.

import { relative } from 'node:path';
import { before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { computedSeconds, recordFile } from './cpu.cjs';

/**
 * Declares the tests of these files.
 *
 * @param files their paths
 */
export const runTogether = (files) => {
  let current;
  let loadSeconds;
  /** Ends the account of the file that has run, and begins that of the next one. All bear the same part of the start. */
  const turnTo = (file) => {
    const now = { file, cpuSeconds: computedSeconds(), at: Date.now() };
    loadSeconds ??= now.cpuSeconds;
    if (current) {
      const cpuSeconds = now.cpuSeconds - current.cpuSeconds + loadSeconds / files.length;
      recordFile(current.file, cpuSeconds, (now.at - current.at) / 1000);
    }
    current = now;
  };
  for (const file of files)
    describe(relative(process.cwd(), file), async () => {
      before(() => turnTo(file));
      await import(pathToFileURL(file));
    });
  process.on('exit', () => turnTo(undefined));
};

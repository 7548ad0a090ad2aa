import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { patienceMs } from '@taskyard/patience';
import { type Platform, plainEnvironment, root } from './platform.ts';

/** Reasons why tests may be left out: they are about services that are not there yet. */
const excuses = /: (service \S+ is not served at |no worker-manager with a static provider$)/;
const unexcused = (report: string): string[] => {
  const [, list = ''] = report.match(/\nskipped:\n((?: {2}.*\n)+)/) ?? [];
  return list.split('\n').filter((line) => line.trim() && !excuses.test(line));
};

/** Runs some areas of the suite against a platform; all of their tests must pass. */
export const runSuite = async (
  { rootUrl, credentials }: Platform,
  only: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const suite = spawn(
    process.execPath,
    [join(root, 'test/conformance/run.mjs'), '--only', only.join(','), '--jobs', '4'],
    {
      env: {
        ...plainEnvironment(),
        ROOT_URL: rootUrl,
        CLIENT_ID: credentials.clientId,
        ACCESS_TOKEN: credentials.accessToken,
        // How long it waits for background work of the platform.
        WAIT_MS: String(patienceMs),
        DEP_WAIT_MS: String(patienceMs),
        DEADLINE_WAIT_MS: String(patienceMs),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [report, [code]] = await Promise.all([text(suite.stdout), once(suite, 'exit')]);
  console.log(report);
  assert.equal(code, 0, 'a test of the conformance suite failed');
  assert.deepEqual(unexcused(report), [], 'tests of the conformance suite were left out');
};

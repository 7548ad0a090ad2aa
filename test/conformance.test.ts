import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { aHome, plainEnvironment, root } from './support/platform.ts';

const areas = ['01', '02', '03', '04', '05', '06', '07', '08'];

/** The tests that were left out for another reason than that a later service is not there yet. */
const unexcused = (report: string): string[] => {
  const [, list = ''] = report.match(/\nskipped:\n((?: {2}.*\n)+)/) ?? [];
  return list.split('\n').filter((line) => line.trim() && !/: service \S+ is not served at /.test(line));
};

it('the platform behaves as the conformance suite wants, areas 01 to 08', { timeout: 600_000 }, async (t) => {
  const home = await aHome(t);
  // Claims last 25 s, so that their expiry is among what is tested.
  const platform = await home.start({ TASK_CLAIM_TIMEOUT: '25', WORKER: 'false' });

  const suite = spawn(
    process.execPath,
    [join(root, 'test/conformance/run.mjs'), '--only', areas.join(','), '--jobs', '4'],
    {
      env: {
        ...plainEnvironment(),
        ROOT_URL: platform.rootUrl,
        CLIENT_ID: platform.credentials.clientId,
        ACCESS_TOKEN: platform.credentials.accessToken,
        DEP_WAIT_MS: '2000',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [report, [code]] = await Promise.all([text(suite.stdout), once(suite, 'exit')]);
  console.log(report);
  assert.equal(code, 0, 'a test of the conformance suite failed');
  assert.deepEqual(unexcused(report), [], 'tests of the conformance suite were left out');
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { patienceMs } from '@taskyard/patience';
import { aHome, type Platform, plainEnvironment, root } from './support/platform.ts';
import { aRabbitMq, noRabbitMq } from './support/rabbitmq.ts';

const areas = ['01', '02', '03', '04', '05', '06', '07', '08', '10', '11', '12', '13', '14', '15'];

/** Reasons why tests may be left out: they are about services that are not there yet. */
const excuses = /: (service \S+ is not served at |no worker-manager with a static provider$)/;
const unexcused = (report: string): string[] => {
  const [, list = ''] = report.match(/\nskipped:\n((?: {2}.*\n)+)/) ?? [];
  return list.split('\n').filter((line) => line.trim() && !excuses.test(line));
};

/** Runs some areas of the suite against a platform; all of their tests must pass. */
const runSuite = async (
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

it(`the platform passes the conformance suite, areas ${areas.join(', ')}`, async (t) => {
  const home = await aHome(t);
  // Claims and deadlines end soon, since the suite tests what follows.
  const hasty = { TASK_CLAIM_TIMEOUT: '25', DEADLINE_DELAY: '5', WORKER: 'false' };
  await runSuite(await home.start(hasty), areas);
});

it('messages on RabbitMQ pass the conformance suite, area 09', {
  skip: noRabbitMq,
}, async (t) => {
  // What is made first ends first: the platform goes before its broker.
  const home = await aHome(t);
  const broker = await aRabbitMq(t);
  await broker.start();
  const platform = await home.start({ AMQP_URL: broker.url, TASK_CLAIM_TIMEOUT: '25', WORKER: 'false' });
  await runSuite(platform, ['09'], { AMQP_URL: broker.url });
});

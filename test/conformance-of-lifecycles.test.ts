import { it } from 'node:test';
import { runSuite } from './support/conformance.ts';
import { aHome } from './support/platform.ts';

it('tasks live and end as the conformance suite says, area 05', async (t) => {
  const home = await aHome(t);
  // Claims and deadlines end soon, since the suite tests what follows.
  const hasty = { TASK_CLAIM_TIMEOUT: '25', DEADLINE_DELAY: '5', WORKER: 'false' };
  await runSuite(await home.start(hasty), ['05']);
});

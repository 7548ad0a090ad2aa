import { it } from 'node:test';
import { runSuite } from './support/conformance.ts';
import { aHome, taskyardItself } from './support/platform.ts';

const areas = ['01', '02', '03', '04', '06', '07', '08', '10', '11', '12', '13', '14', '15'];

it(`the platform passes the conformance suite, areas ${areas.join(', ')}`, async (t) => {
  const home = await aHome(t, taskyardItself);
  await runSuite(await home.start({ DEADLINE_DELAY: '5', WORKER: 'false' }), areas);
});

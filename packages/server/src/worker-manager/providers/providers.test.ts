import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock, minutes, silentLog, slugid, systemClock } from '../../base/index.ts';
import { aCloud, anOrder, fleet, memoryOf, region } from './aws/testing.ts';
import { localProvider } from './local/index.ts';
import { nullProvider } from './null/index.ts';
import { staticProvider } from './static/index.ts';
import { providerSuite } from './testing/provider-suite.ts';

/** No provider takes text for a number. */
const wrongConfig = { maxCapacity: 'many' };
const scaling = { minCapacity: 0, maxCapacity: 2 };

providerSuite('static', {
  hasMachines: false,
  open: async () => ({ provider: staticProvider('static'), config: {}, wrongConfig }),
});

providerSuite('null', {
  hasMachines: false,
  open: async () => ({ provider: nullProvider, config: {} }),
});

providerSuite('local', {
  hasMachines: true,
  open: async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'taskyard-local-'));
    t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const context = {
      providerId: 'local',
      clock: systemClock,
      log: silentLog,
      memory: memoryOf(manualClock()),
      rootUrl: () => 'http://127.0.0.1:1',
      changed: () => {},
    };
    const provider = localProvider(context, {
      // The path of the settings follows as an option, which Node would take for one of its own before the two dashes.
      command: [process.execPath, '-e', 'setInterval(() => {}, 1000)', '--'],
      environment: {},
      folder,
      workerSettings: {},
    });
    const order = (count: number) => ({
      ...anOrder({ count, token: slugid(), workerPoolId: 'local/pool' }),
      configuration: {},
    });
    return { provider, config: { ...scaling, launchConfigs: [{}] }, wrongConfig, order };
  },
});

providerSuite('aws', {
  hasMachines: true,
  open: async (t) => {
    const { provider, clock } = await aCloud(t);
    return {
      provider,
      config: { ...scaling, launchConfigs: [{ region, fleet }] },
      wrongConfig,
      order: (count) => anOrder({ count, decided: clock.now() }),
      pass: () => clock.advance(minutes(2)),
    };
  },
});

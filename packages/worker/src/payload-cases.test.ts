import { absolutePathCases } from './testing/absolute-path-cases.ts';
import { containerCases } from './testing/container-cases.ts';
import { leftCases } from './testing/left-cases.ts';
import { mountCases } from './testing/mount-cases.ts';
import { payloadCases } from './testing/payload-cases.ts';
import { testPayloads } from './testing/payloads-on.ts';

// Docker takes longer: its cases are in files of their own.
for (const engine of ['process', 'bubblewrap'] as const) {
  await testPayloads(engine, `${engine}: payloads`, async (scene) => [
    ...payloadCases,
    ...leftCases,
    ...absolutePathCases,
    ...mountCases(scene.queue),
    ...(await containerCases(scene)),
  ]);
}

import { after, describe, test } from 'node:test';
import { containerCases } from './testing/container-cases.ts';
import type { FakeQueue } from './testing/fake-queue.ts';
import { leftCases } from './testing/left-cases.ts';
import { mountCases } from './testing/mount-cases.ts';
import { checkCase, type PayloadCase } from './testing/payload-case.ts';
import { payloadCases } from './testing/payload-cases.ts';
import { skips, startScene } from './testing/scene.ts';

for (const engine of ['process', 'bubblewrap', 'docker'] as const) {
  // The names have to be known before there is anything to run them on.
  const skip = skips[engine];
  const scene = skip === false ? await startScene(engine) : undefined;
  after(() => scene?.close());

  const cases: PayloadCase[] = scene
    ? [...payloadCases, ...leftCases, ...mountCases(scene.queue), ...(await containerCases(scene))]
    : [];

  describe(`${engine}: payloads`, { skip, concurrency: 4 }, () => {
    for (const one of cases) {
      test(one.name, { skip: one.not?.[engine] ?? false }, () => checkCase(scene?.queue as FakeQueue, one));
    }
  });
}

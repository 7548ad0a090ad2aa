import { after, describe, test } from 'node:test';
import type { FakeQueue } from './fake-queue.ts';
import { checkCase, type PayloadCase } from './payload-case.ts';
import { type Scene, skips, startScene } from './scene.ts';

/** Containers cost most of what cases cost, and what happens in them does not depend on the Node outside. */
const partOf = (cases: readonly PayloadCase[], engine: keyof typeof skips): readonly PayloadCase[] =>
  engine === 'docker' && process.env.TASKYARD_TEST_AGAIN ? cases.filter((_, i) => i % 4 === 0) : cases;

/** Has cases run by a worker of an engine, some at a time. Awaited by a test file: cases may be made of the scene. */
export const testPayloads = async (
  engine: keyof typeof skips,
  title: string,
  casesOf: (scene: Scene) => Promise<readonly PayloadCase[]> | readonly PayloadCase[],
): Promise<void> => {
  // The names have to be known before there is anything to run them on.
  const skip = skips[engine];
  const scene = skip === false ? await startScene(engine) : undefined;
  after(() => scene?.close());
  const cases = scene ? partOf(await casesOf(scene), engine) : [];
  describe(title, { skip, concurrency: 4 }, () => {
    for (const one of cases) {
      test(one.name, { skip: one.not?.[engine] ?? false }, () => checkCase(scene?.queue as FakeQueue, one));
    }
  });
};

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manualClock } from './clock.ts';
import { createTurns } from './turns.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  /** Callers by name that record when it is their turn. */
  const aLine = (patienceMs = 25) => {
    const clock = manualClock();
    const turns = createTurns(clock, patienceMs);
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const take = (name: string): void => {
      void turns.take().then((end) => {
        begun.push(name);
        ends.set(name, end);
      });
    };
    const end = async (name: string): Promise<void> => {
      ends.get(name)?.();
      await settle();
    };
    return { clock, begun, take, end };
  };

  it('come one at a time, in the order of the calls', async () => {
    const { begun, take, end } = aLine();
    for (const name of ['a', 'b', 'c']) take(name);
    await settle();
    assert.deepEqual(begun, ['a']);
    await end('a');
    assert.deepEqual(begun, ['a', 'b']);
    await end('b');
    await end('c');
    take('d');
    await settle();
    assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
  });

  it('do not wait forever for one that takes long', async () => {
    const { clock, begun, take, end } = aLine();
    for (const name of ['long', 'b', 'c']) take(name);
    await settle();
    clock.advance(24);
    await settle();
    assert.deepEqual(begun, ['long']);
    clock.advance(1);
    await settle();
    assert.deepEqual(begun, ['long', 'b']);
    await end('long');
    assert.deepEqual(begun, ['long', 'b'], 'b is waited for');
    await end('b');
    assert.deepEqual(begun, ['long', 'b', 'c']);
  });

  it('that were short do not count against the patience of later ones', async () => {
    const { clock, begun, take, end } = aLine();
    for (const name of ['a', 'b', 'c']) take(name);
    await settle();
    clock.advance(20);
    await end('a');
    clock.advance(20);
    await settle();
    assert.deepEqual(begun, ['a', 'b']);
    await end('b');
    await end('c');
    clock.advance(100);
    take('d');
    take('e');
    await settle();
    assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
  });

  it('that end twice admit only one more', async () => {
    const { begun, take, end } = aLine();
    for (const name of ['a', 'b', 'c']) take(name);
    await settle();
    await end('a');
    await end('a');
    assert.deepEqual(begun, ['a', 'b']);
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Io } from '../io.ts';
import { listenForInterrupts } from './early-interrupts.ts';

it('requests to end are left to a group while it listens, and are heard again afterwards', () => {
  const handlers = new Set<() => void>();
  const exits: number[] = [];
  const io = {
    onInterrupt: (handler: () => void) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    exit: (code: number) => exits.push(code),
  } as unknown as Io;
  const ask = (): void => {
    for (const handler of [...handlers]) handler();
  };
  const interrupts = listenForInterrupts(io);
  let heardByGroup = 0;
  const stopGroup = interrupts.io.onInterrupt(() => {
    heardByGroup += 1;
  });
  ask();
  ask();
  assert.deepEqual([heardByGroup, interrupts.wasAsked, exits], [2, false, []]);
  stopGroup();
  ask();
  assert.deepEqual([heardByGroup, interrupts.wasAsked, exits], [2, true, []]);
  ask();
  assert.deepEqual(exits, [130]);
  interrupts.stop();
  assert.equal(handlers.size, 0);
});

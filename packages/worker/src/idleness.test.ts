import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';
import { Idleness } from './idleness.ts';
import { openSlots } from './slots.ts';

const aWorkplace = () => {
  let nowMs = 0;
  const counted = { watches: 0 };
  const slots = openSlots(4);
  const watched = {
    ...slots,
    get occupations() {
      return slots.occupations;
    },
    emptied: () => {
      counted.watches++;
      return slots.emptied();
    },
  };
  const clock = { ...systemClock, now: () => new Date(nowMs) };
  const idleness = new Idleness(100, { clock, slots: watched });
  let tasks = 0;
  /** Begins a task; returns what ends it. */
  const begin = () => {
    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    slots.occupy({ taskId: `task-${tasks++}`, runId: 0 }, () => over);
    idleness.interrupt();
    return end;
  };
  const move = (ms: number): void => {
    nowMs += ms;
  };
  return { idleness, begin, move, counted };
};

/** Lets everything that is due happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('idleness counts from the end of the last task', async () => {
  const { idleness, begin, move } = aWorkplace();
  move(99);
  assert.equal(idleness.isOver(), false);
  move(1);
  assert.equal(idleness.isOver(), true);
  const [one, other] = [begin(), begin()];
  one();
  await settled();
  move(500);
  assert.equal(idleness.isOver(), false);
  other();
  await settled();
  move(99);
  assert.equal(idleness.isOver(), false);
  move(1);
  assert.equal(idleness.isOver(), true);
});

test('tasks that follow each other without a pause are watched for once, and the next ones again', async () => {
  const { idleness, begin, move, counted } = aWorkplace();
  let end = begin();
  for (let i = 0; i < 20; i++) {
    const next = begin();
    end();
    await settled();
    end = next;
  }
  assert.equal(counted.watches, 1);
  end();
  await settled();
  const last = begin();
  move(500);
  last();
  await settled();
  assert.equal(counted.watches, 2);
  assert.equal(idleness.isOver(), false);
});

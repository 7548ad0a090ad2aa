import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manualClock } from './clock.ts';
import { createGathering } from './gathering.ts';

/** A gathering, and whether it has gone on. */
const begin = (
  waiting: number,
  { concerned, endedMsAgo = 0 }: { concerned: number; endedMsAgo?: number },
) => {
  const clock = manualClock();
  const gathering = createGathering(clock);
  gathering.ended(concerned);
  clock.advance(endedMsAgo);
  const state = { hasGoneOn: false };
  const end = gathering.wait(waiting).then(() => {
    state.hasGoneOn = true;
  });
  return { clock, gathering, state, end };
};

describe('gathering calls for a batch', () => {
  it('waits until as many are there as the last batch concerned', async () => {
    const { gathering, state, end } = begin(1, { concerned: 3 });
    gathering.arrived(2);
    await new Promise(setImmediate);
    assert.equal(state.hasGoneOn, false);
    gathering.arrived(3);
    await end;
  });
  it('waits for two milliseconds at most', async () => {
    const { clock, end } = begin(1, { concerned: 3 });
    clock.advance(2);
    await end;
  });
  it('lets a lone caller go on at once, also after a batch of many has ended a while ago', async () => {
    await begin(1, { concerned: 1 }).end;
    await begin(1, { concerned: 16, endedMsAgo: 6 }).end;
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manualClock, seconds, systemClock } from '../../base/index.ts';
import { whileTimePasses } from '../../testing/index.ts';
import { createRenderer } from './index.ts';

const limits = { timeMs: seconds(2), memoryMb: 32, charactersMax: 1000, excessesMax: 3 };
// Takes minutes, at the least.
const endless = {
  $reduce: { $eval: 'range(0, 100000)' },
  initial: 0,
  'each(a, x)': { $eval: 'len(range(0, 100000))' },
};

describe('a template', () => {
  it('is rendered with what it sees, and without `$` left as it is', async () => {
    const render = createRenderer(systemClock)();
    assert.deepEqual(await render(`Task \${taskId}`, { taskId: 'T' }), { value: 'Task T' });
    assert.deepEqual(await render({ a: [{ $eval: 'n + 1' }] }, { n: 1 }), { value: { a: [2] } });
    assert.deepEqual(await render({ plain: ['text'] }, {}), { value: { plain: ['text'] } });
    assert.deepEqual(await render(JSON.parse('{"$if": "false", "then": 1}'), {}), { value: null });
  });

  it('with a mistake says which', async () => {
    const rendered = await createRenderer(systemClock)()(`\${nobody}`, {});
    assert.match('mistake' in rendered ? rendered.mistake : '', /nobody/);
  });

  it('that renders to too much is a mistake', async () => {
    const render = createRenderer(systemClock, limits)();
    const rendered = await render({ $eval: 'range(0, 1000)' }, {});
    assert.deepEqual(rendered, { mistake: 'it renders to too much' });
  });

  it('that never ends is given up; so are the others of its page, when there are several, and none after', async () => {
    const clock = manualClock();
    const renderer = createRenderer(clock, limits);
    const render = renderer();
    for (let i = 0; i < limits.excessesMax; i++) {
      assert.deepEqual(await whileTimePasses(clock, limits.timeMs, render(endless, {})), {
        mistake: 'it takes too long, or too much memory',
      });
    }
    assert.deepEqual(await render(`\${1 + 1}`, {}), { mistake: 'others took too long' });
    assert.deepEqual(await render('plain', {}), { value: 'plain' });
    assert.deepEqual(await renderer()(`\${1 + 1}`, {}), { value: '2' });
  });

  it('that uses too much memory harms no other', async () => {
    const render = createRenderer(manualClock(), limits)();
    assert.ok('mistake' in (await render({ $eval: 'range(0, 50000000)' }, {})));
    assert.deepEqual(await render(`\${1 + 1}`, {}), { value: '2' });
  });
});

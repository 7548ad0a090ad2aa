import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manualClock, minutes, RequestError, systemClock } from '../../base/index.ts';
import { whileTimePasses } from '../../testing/index.ts';
import { createRendering, Misfit, type Rendering } from './index.ts';

const anything = JSON.stringify({ type: 'object' });
const limits = { timeMs: 60_000, memoryMb: 64, charactersMax: 1000 };

const render = (rendering: Rendering, task: object, context: object, schema: object | string = anything) =>
  rendering.render(
    {
      task: JSON.stringify(task),
      triggerSchema: typeof schema === 'string' ? schema : JSON.stringify(schema),
    },
    context,
  );
const mistakeOf = (rendered: unknown): string => (rendered instanceof RequestError ? rendered.message : '');

describe('a template of a hook', () => {
  const rendering = createRendering(systemClock);

  it('sees the context, and the payload with the defaults of the schema', async () => {
    const schema = { type: 'object', properties: { n: { type: 'integer', default: 7 } } };
    const task = { a: { $eval: 'payload.n + 1' }, by: `\${firedBy}` };
    assert.deepEqual(await render(rendering, task, { firedBy: 'schedule', payload: {} }, schema), {
      a: 8,
      by: 'schedule',
    });
  });

  it('sees no payload where there is none, which the schema is not asked about', async () => {
    const task = { has: { $eval: "defined('payload')" } };
    const schema = { type: 'object', required: ['n'] };
    assert.deepEqual(await render(rendering, task, { firedBy: 'x' }, schema), { has: false });
  });

  it('counts `$fromNow` from `now`', async () => {
    const now = '2026-03-01T12:00:00.000Z';
    assert.deepEqual(await render(rendering, { at: { $fromNow: '1 hour' } }, { now }), {
      at: '2026-03-01T13:00:00.000Z',
    });
  });

  it('may render to nothing', async () => {
    assert.equal(await render(rendering, JSON.parse('{"$if": "false", "then": {}}'), {}), null);
  });

  it('with a mistake says which', async () => {
    assert.match(mistakeOf(await render(rendering, { $eval: 'nobody' }, {})), /nobody/);
  });

  it('that renders to too much, or too deep, is refused', async () => {
    const small = createRendering(systemClock, { ...limits, timeMs: 5000 });
    assert.match(mistakeOf(await render(small, { a: { $eval: 'range(0, 1000)' } }, {})), /too much/);
    const deep = { $reduce: { $eval: 'range(0, 600)' }, initial: 0, 'each(inner, i)': { $eval: '[inner]' } };
    assert.match(mistakeOf(await render(small, deep, {})), /too deeply/);
  });
});

describe('a payload that does not fit', () => {
  const rendering = createRendering(systemClock);
  const schema = {
    $id: 'same',
    type: 'object',
    properties: { n: { type: 'integer' } },
    additionalProperties: false,
  };

  it('is refused with all that is wrong', async () => {
    await assert.rejects(render(rendering, {}, { payload: { n: 'x', m: 1 } }, schema), (error) => {
      assert.ok(error instanceof Misfit);
      assert.equal(error.code, 'InputError');
      assert.match(error.message, /payload\.n must be integer/);
      assert.match(error.message, /'m'/);
      return true;
    });
  });

  it('fits another hook with the same $id', async () => {
    assert.deepEqual(await render(rendering, { a: 1 }, { payload: { n: 'x' } }, { $id: 'same' }), { a: 1 });
  });
});

describe('a trigger schema', () => {
  const rendering = createRendering(systemClock);
  const check = (schema: object) => rendering.requireSoundSchema(JSON.stringify(schema));

  it('may be of draft 6 or 7, with formats', async () => {
    for (const draft of ['06', '07'])
      await check({
        $schema: `http://json-schema.org/draft-${draft}/schema#`,
        properties: { a: { format: 'date-time' } },
      });
  });

  it('that is none is refused by the name of the field', async () => {
    await assert.rejects(check({ type: 'nope' }), { code: 'InputError', message: /triggerSchema\/type/ });
    await assert.rejects(check({ properties: { a: { $ref: 'elsewhere.json' } } }), /elsewhere/);
    await assert.rejects(check({ properties: { a: { pattern: '(' } } }), { code: 'InputError' });
  });
});

describe('a trigger schema that cannot be applied', () => {
  it('is a mistake of its hook, said as such, and ends nothing', async () => {
    const rendering = createRendering(systemClock);
    for (const schema of [{ $ref: '#' }, { $ref: 'elsewhere.json' }])
      assert.match(
        mistakeOf(await render(rendering, {}, { payload: {} }, schema)),
        /its triggerSchema cannot be applied: /,
      );
  });
});

describe('what takes too long', () => {
  const endless = {
    $reduce: { $eval: 'range(0, 100000)' },
    initial: 0,
    'each(a, x)': { $eval: 'len(range(0, 100000))' },
  };
  const slow = { type: 'object', properties: { text: { pattern: '^(a+)+$' } } };
  const payload = { text: `${'a'.repeat(60)}b` };

  it('is given up, be it a template or a pattern, and others are rendered after it', async () => {
    const clock = manualClock();
    const rendering = createRendering(clock, limits);
    assert.match(
      mistakeOf(await whileTimePasses(clock, limits.timeMs, render(rendering, endless, {}))),
      /too long/,
    );
    assert.match(
      mistakeOf(await whileTimePasses(clock, limits.timeMs, render(rendering, {}, { payload }, slow))),
      /too long/,
    );
    assert.deepEqual(await render(rendering, { a: 1 }, {}), { a: 1 });
  });

  it('is not tried again for some minutes', async () => {
    const clock = manualClock();
    const rendering = createRendering(clock, limits);
    await whileTimePasses(clock, limits.timeMs, render(rendering, endless, {}));
    // No time passes, and still there is an answer.
    assert.match(mistakeOf(await render(rendering, endless, {})), /rest/);
    clock.advance(minutes(6));
    assert.doesNotMatch(
      mistakeOf(await whileTimePasses(clock, limits.timeMs, render(rendering, endless, {}))),
      /rest/,
    );
  });
});

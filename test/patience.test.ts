import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

type Patience = typeof import('@taskyard/patience');

/** The module once more, with this in the environment. */
const patienceOf = async (setting: string): Promise<Patience> => {
  const before = process.env.TASKYARD_TEST_PATIENCE;
  process.env.TASKYARD_TEST_PATIENCE = setting;
  try {
    return (await import(`${import.meta.resolve('@taskyard/patience')}?${setting}`)) as Patience;
  } finally {
    if (before === undefined) delete process.env.TASKYARD_TEST_PATIENCE;
    else process.env.TASKYARD_TEST_PATIENCE = before;
  }
};

// A twentieth of a second, and more than enough for what comes at once.
const { eventually: hastily, within: hastilyWithin } = await patienceOf('0.0005');
const { eventually, within, patienceMs } = await patienceOf('2');

describe('patience', () => {
  it('is two minutes times the variable, which must be a number', async () => {
    assert.equal(patienceMs, 240_000);
    for (const setting of ['0', '-1', 'long']) await assert.rejects(patienceOf(setting), /number above 0/);
  });

  it('asks until the answer is there, and returns it', async () => {
    const answers = [undefined, null, false, 0];
    assert.equal(await eventually('a number', () => answers.shift()), 0);
    let asked = 0;
    assert.equal(
      await eventually(
        'three questions',
        async () => ++asked,
        (count) => count === 3,
      ),
      3,
    );
  });

  it('reports what it waited for, and what it last saw', async () => {
    const ask = () => ({ state: 'pending' });
    await assert.rejects(
      hastily('the task to complete', ask, ({ state }) => state === 'completed'),
      /^Error: Waited 0\.06 s for the task to complete\. What was last seen: \{ state: 'pending' \}$/,
    );
  });

  it('gives up a question that is not answered, and a promise', async () => {
    const never = new Promise<never>(() => {});
    await assert.rejects(
      hastily('an answer', () => never),
      /Waited 0\.06 s for an answer\.$/,
    );
    await assert.rejects(hastilyWithin('the end', never), /Waited 0\.06 s for the end\.$/);
  });

  it('throws at once what the function throws', async () => {
    const fail = () => {
      throw new Error('a wrong question');
    };
    await assert.rejects(eventually('an answer', fail), /a wrong question/);
    await assert.rejects(within('the end', Promise.reject(new Error('a wrong end'))), /a wrong end/);
    assert.equal(await within('the end', Promise.resolve('good')), 'good');
  });
});

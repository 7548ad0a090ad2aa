import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDatabase } from '../testing/index.ts';
import { connect } from './database.ts';
import { localSignal, sharedSignal } from './signal.ts';

describe('a signal', () => {
  it('wakes all who wait, once, and those who watch each time', async () => {
    const signal = localSignal();
    const heard: (readonly string[])[] = [];
    const stop = signal.each((keys) => heard.push(keys));
    const waiting = [signal.next(), signal.next()];
    signal.wake(['a']);
    await Promise.all(waiting);
    let isWoken = false;
    void signal.next().then(() => {
      isWoken = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isWoken, false, 'nothing is remembered');
    signal.wake();
    stop();
    signal.wake(['b']);
    assert.deepEqual(heard, [['a'], []]);
  });
});

describe('a shared signal', () => {
  it('wakes other processes with all keys, and with none when they are too many', async () => {
    const test = await testDatabase();
    const other = connect({ url: test.url });
    const onError = (error: unknown) => assert.fail(String(error));
    const [here, there] = await Promise.all([
      sharedSignal(test.db, { channel: 'wake', onError }),
      sharedSignal(other, { channel: 'wake', onError }),
    ]);
    const heard: string[] = [];
    let note = (): void => {};
    there.each((keys) => {
      heard.push(...(keys.length > 0 ? keys : ['everybody']));
      note();
    });
    const until = (isThere: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        note = () => {
          if (isThere()) resolve();
        };
        note();
      });
    for (let i = 0; i < 100; i++) here.wake([`queue/${i}`]);
    await until(() => new Set(heard).size === 100);
    here.wake();
    await until(() => heard.includes('everybody'));
    heard.length = 0;
    here.wake(Array.from({ length: 1000 }, (_, i) => `a-long-name/of-a-queue-${i}`));
    await until(() => heard.includes('everybody'));
    assert.ok(heard.every((key) => key === 'everybody'));
    await other.close();
    await test.drop();
  });
});

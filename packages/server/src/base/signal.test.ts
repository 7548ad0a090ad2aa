import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { testDatabase } from '../testing/index.ts';
import { systemClock } from './clock.ts';
import { connect } from './database.ts';
import { localSignal, type Signal, sharedSignals } from './signal.ts';

describe('a signal', () => {
  it('wakes each watcher every time until it stops', () => {
    const signal = localSignal();
    const heard: (readonly string[])[] = [];
    const stop = signal.each((keys) => heard.push(keys));
    signal.wake(['a']);
    signal.each((keys) => heard.push(keys))();
    signal.wake();
    stop();
    signal.wake(['b']);
    assert.deepEqual(heard, [['a'], []]);
  });
});

describe('shared signals', () => {
  const twoProcesses = async () => {
    const test = await testDatabase();
    const other = connect({ url: test.url });
    const deps = {
      channel: 'wake',
      clock: systemClock,
      onError: (error: unknown) => assert.fail(String(error)),
    };
    const [here, there] = await Promise.all([
      sharedSignals(test.db, ['one', 'two'], deps),
      sharedSignals(other, ['one', 'two'], deps),
    ]);
    const close = async () => {
      await other.close();
      await test.drop();
    };
    return { here, there, close };
  };

  const listenTo = (signal: Signal) => {
    const heard: string[] = [];
    signal.each((keys) => heard.push(...(keys.length > 0 ? keys : ['everybody'])));
    const until = (isThere: () => boolean) => eventually('the wake-up', isThere);
    return { heard, until };
  };

  it('wake other processes with all keys, and with none when they are too many', async () => {
    const { here, there, close } = await twoProcesses();
    const { heard, until } = listenTo(there.one);
    for (let i = 0; i < 100; i++) here.one.wake([`queue/${i}`]);
    await until(() => new Set(heard).size === 100);
    here.one.wake();
    await until(() => heard.includes('everybody'));
    heard.length = 0;
    here.one.wake(Array.from({ length: 1000 }, (_, i) => `a-long-name/of-a-queue-${i}`));
    await until(() => heard.includes('everybody'));
    assert.ok(heard.every((key) => key === 'everybody'));
    await close();
  });

  it('are independent of each other, and their sender gets each of its own once', async () => {
    const { here, there, close } = await twoProcesses();
    const [one, two, own] = [listenTo(there.one), listenTo(there.two), listenTo(here.one)];
    here.one.wake(['a/b']);
    here.two.wake();
    await two.until(() => two.heard.length > 0);
    await one.until(() => one.heard.length > 0);
    there.one.wake(['c/d']);
    await own.until(() => own.heard.includes('c/d'));
    assert.deepEqual([one.heard, two.heard, own.heard], [['a/b', 'c/d'], ['everybody'], ['a/b', 'c/d']]);
    await close();
  });
});

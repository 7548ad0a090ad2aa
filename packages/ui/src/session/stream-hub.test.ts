import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Binding, FollowOptions, StreamedMessage } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { type FromHub, fitsBindings, StreamHub, unionOf, type Wish } from './stream-hub.ts';

const binding = (exchange: string, routingKeyPattern: string): Binding => ({ exchange, routingKeyPattern });
const message = (id: string, exchange: string, routingKey: string): StreamedMessage => ({
  id,
  exchange,
  routingKey,
  routes: [],
  payload: {},
});

/** A stream that was asked for, as the test plays the server. */
interface Asked {
  readonly options: FollowOptions;
  readonly say: (message: StreamedMessage) => void;
  readonly refuse: () => void;
}

/** A hub with a server that the test plays, and tabs that note what they hear. */
const aHub = (t: TestContext) => {
  const asked: Asked[] = [];
  let now = 0;
  async function* follow(options: FollowOptions): AsyncGenerator<StreamedMessage> {
    const waiting: StreamedMessage[] = [];
    let isOver = false;
    let wake = (): void => {};
    const end = (): void => {
      isOver = true;
      wake();
    };
    options.signal?.addEventListener('abort', end);
    const say = (each: StreamedMessage): void => {
      waiting.push(each);
      wake();
    };
    asked.push({ options, say, refuse: end });
    options.onConnect?.({ isGapless: options.lastEventId !== undefined });
    while (!isOver) {
      yield* waiting.splice(0);
      if (!isOver && waiting.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  const hub = new StreamHub({ rootUrl: 'http://localhost', follow, now: () => now });
  const keys = new Set<string>();
  t.after(() => {
    for (const key of keys) hub.take({ kind: 'leave', key }, () => {});
  });
  const aTab = (key: string) => {
    const heard: FromHub[] = [];
    keys.add(key);
    const follows = (bindings: readonly Binding[], more: Partial<Wish> = {}) =>
      hub.take({ kind: 'follow', key, clientId: 'me', bindings, ...more }, (each) => heard.push(each));
    const leaves = () => hub.take({ kind: 'leave', key }, () => {});
    const ids = () =>
      heard.flatMap((each) => (each.kind === 'messages' ? each.messages.map(({ id }) => id) : []));
    const count = (kind: FromHub['kind']) => heard.filter((each) => each.kind === kind).length;
    return { follows, leaves, ids, count };
  };
  const streams = (count: number) =>
    eventually(`stream ${count}`, () => asked[count - 1]).then((found) => found as Asked);
  const passes = (ms: number) => {
    now += ms;
  };
  return { aTab, asked, streams, passes };
};

describe('the stream that tabs share', () => {
  it('seventh-tab: is one, however many tabs listen, and each hears its own', async (t) => {
    const { aTab, asked, streams } = aHub(t);
    const tabs = Array.from({ length: 7 }, (_, i) => aTab(`tab${i}`));
    for (const [i, tab] of tabs.entries()) tab.follows([binding('tasks', `*.group${i % 3}.#`)]);
    const { say } = await streams(1);
    for (const tab of tabs) await eventually('a tab to be connected', () => tab.count('connected') === 1);
    say(message('1', 'tasks', 'primary.group0.x'));
    say(message('2', 'tasks', 'primary.group1.x'));
    // What was said to one tab and to another does not come at the same moment.
    await eventually('five of the tabs to hear', () => tabs.flatMap((tab) => tab.ids()).length === 5);
    assert.deepEqual(
      tabs.map((tab) => tab.ids()),
      [['1'], ['2'], [], ['1'], ['2'], [], ['1']],
    );
    assert.equal(asked.length, 1);
  });
  it('confirms each wish, so that a tab finds out when the hub has crashed', async (t) => {
    const { aTab, asked, streams } = aHub(t);
    const tab = aTab('tab');
    tab.follows([binding('a', '#')]);
    assert.equal(tab.count('heard'), 1);
    await streams(1);
    tab.follows([binding('a', '#')]);
    assert.equal(tab.count('heard'), 2);
    assert.equal(asked.length, 1);
  });
  it('goes on where it was when somebody comes who listens to more, and only the newcomer reads anew', async (t) => {
    const { aTab, asked, streams } = aHub(t);
    const [first, second] = [aTab('first'), aTab('second')];
    first.follows([binding('a', '#')]);
    const one = await streams(1);
    one.say(message('17', 'a', 'x'));
    await eventually('the message', () => first.ids().length === 1);
    second.follows([binding('b', '#')]);
    const two = await streams(2);
    assert.equal(one.options.signal?.aborted, true);
    assert.equal(two.options.lastEventId, '17');
    assert.deepEqual(two.options.bindings, [binding('a', '#'), binding('b', '#')]);
    await eventually('the newcomer to be connected', () => second.count('connected') === 1);
    assert.equal(first.count('connected'), 1);
    second.leaves();
    await streams(3);
    first.leaves();
    await eventually('the stream to be given up', () => asked[2]?.options.signal?.aborted === true);
  });
  it('asks for credentials when it is refused, and goes on with the latest', async (t) => {
    const { aTab, streams } = aHub(t);
    const tab = aTab('tab');
    const [old, fresh] = ['old', 'fresh'].map((accessToken) => ({ clientId: 'me', accessToken }));
    tab.follows([binding('a', '#')], { credentials: old });
    const one = await streams(1);
    assert.equal(one.options.credentials, old);
    one.refuse();
    await eventually('the tab to be asked', () => tab.count('stale') === 1);
    tab.follows([binding('a', '#')], { credentials: fresh });
    assert.equal((await streams(2)).options.credentials, fresh);
  });
  it('is not that of somebody else, and forgets tabs that are silent', async (t) => {
    const { aTab, asked, streams, passes } = aHub(t);
    const [mine, other] = [aTab('mine'), aTab('other')];
    mine.follows([binding('a', '#')]);
    const one = await streams(1);
    other.follows([binding('a', '#')], { clientId: 'you' });
    const two = await streams(2);
    passes(4 * 60_000);
    other.follows([binding('a', '#')], { clientId: 'you' });
    passes(4 * 60_000);
    other.follows([binding('a', '#')], { clientId: 'you' });
    await eventually('the silent stream to end', () => one.options.signal?.aborted === true);
    assert.equal(two.options.signal?.aborted, false);
    assert.equal(asked.length, 2);
  });
  it('tells nothing more of what one client heard when the tab listens as another', async (t) => {
    const { aTab, streams } = aHub(t);
    const tab = aTab('tab');
    tab.follows([binding('a', '#')]);
    const one = await streams(1);
    one.say(message('1', 'a', 'x'));
    // The hub has taken it, and keeps it for a moment for others that come with it.
    await new Promise((resolve) => setImmediate(resolve));
    tab.follows([binding('a', '#')], { clientId: 'you' });
    const two = await streams(2);
    two.say(message('2', 'a', 'x'));
    await eventually('the message of the other stream', () => tab.ids().includes('2'));
    assert.deepEqual(tab.ids(), ['2']);
  });
});

describe('bindings', () => {
  it('fit routing keys and routes by words', () => {
    const fits = (pattern: string, key: string, routes: string[] = []) =>
      fitsBindings([binding('a', pattern)])({ ...message('', 'a', key), routes });
    assert.ok(fits('#', 'x.y'));
    assert.ok(fits('x.#', 'x'));
    assert.ok(fits('x.*.z', 'x.y.z'));
    assert.ok(fits('route.index.#', 'x', ['index.a.b']));
    assert.ok(!fits('x.*', 'x'));
    assert.ok(!fits('x.+', 'x.y'));
    assert.ok(!fitsBindings([binding('b', '#')])(message('', 'a', 'x')));
  });
  it('of many are each of theirs once, or all of an exchange where there are too many to name', () => {
    assert.deepEqual(unionOf([[binding('a', 'x'), binding('b', 'y')], [binding('a', 'x')]]), [
      binding('a', 'x'),
      binding('b', 'y'),
    ]);
    assert.deepEqual(unionOf([[binding('a', 'x'), binding('a', '#')]]), [binding('a', '#')]);
    const many = Array.from({ length: 100 }, (_, i) => [binding('a', `k${i}`), binding('b', 'only')]);
    assert.deepEqual(unionOf(many), [binding('a', '#'), binding('b', 'only')]);
  });
});

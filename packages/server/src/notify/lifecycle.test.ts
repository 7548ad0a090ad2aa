import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { minutes, seconds } from '../base/index.ts';
import {
  attemptsMax,
  decide,
  type Facts,
  firedRoutes,
  mailsMax,
  nextAttempt,
  notificationOf,
} from './lifecycle.ts';

const events = [
  'any',
  'completed',
  'defined',
  'exception',
  'failed',
  'pending',
  'resolved',
  'running',
  'transition',
];
const routesOfAll = events.map((event) => `notify.pulse.a.topic.on-${event}`);
const fired = (state: string, reasonResolved?: string, routes = routesOfAll) =>
  firedRoutes(routes, { taskId: 't', state, runs: reasonResolved ? [{ reasonResolved }] : [] });
const eventsIn = (state: string, reason?: string) => fired(state, reason).map(({ event }) => event);

describe('a route of a task', () => {
  it('is fired by the states that its event names', () => {
    assert.deepEqual(eventsIn('unscheduled'), ['defined', 'transition']);
    assert.deepEqual(eventsIn('pending'), ['pending', 'transition']);
    assert.deepEqual(eventsIn('running'), ['running', 'transition']);
    for (const state of ['completed', 'failed', 'exception'])
      assert.deepEqual(eventsIn(state).sort(), ['any', state, 'resolved', 'transition'].sort());
  });

  it('is silent when the task was canceled or came too late, and not for other exceptions', () => {
    assert.deepEqual(eventsIn('exception', 'canceled'), []);
    assert.deepEqual(eventsIn('exception', 'deadline-exceeded'), []);
    assert.equal(eventsIn('exception', 'malformed-payload').length, 4);
    assert.equal(eventsIn('failed', 'canceled').length, 4);
  });

  it('has an address that may hold dots', () => {
    const address = 'some.body@mail.example.com';
    assert.deepEqual(fired('completed', undefined, [`notify.email.${address}.on-any`]), [
      { type: 'email', address, event: 'any' },
    ]);
    const [odd] = fired('failed', undefined, ['notify.matrix-room.!a.on-b:example.org.on-failed']);
    assert.equal(odd?.address, '!a.on-b:example.org');
  });

  it('of another type, without an address or with another ending fires nothing', () => {
    const routes = [
      'notify.irc-user.somebody.on-any',
      'notify.email.on-any',
      'notify.email..on-any',
      'notify.email.a@example.com.on-any.more',
      'notify.email.a@example.com.on-constructor',
      'notify.email.a@example.com.any',
      'index.notify.email.a@example.com.on-any',
    ];
    assert.deepEqual(fired('completed', undefined, routes), []);
  });
});

describe('whether a notification goes out', () => {
  const facts = (more: Partial<Facts> = {}): Facts => ({
    isConfigured: () => true,
    isDenied: () => false,
    isRecent: () => false,
    mailsTo: () => 0,
    ...more,
  });
  const mail = (subject: string, address = 'a@example.com') =>
    notificationOf('email', address, { address, subject });

  it('depends on the way out, the denylist and what was accepted before, in this order', () => {
    const one = [mail('one')];
    assert.deepEqual(decide(one, facts()), ['accepted']);
    const [no, yes] = [() => false, () => true];
    assert.deepEqual(decide(one, facts({ isRecent: yes, mailsTo: () => mailsMax })), ['duplicate']);
    assert.deepEqual(decide(one, facts({ isDenied: yes, isRecent: yes })), ['denied']);
    assert.deepEqual(decide(one, facts({ isConfigured: no, isDenied: yes })), ['denied']);
    assert.deepEqual(decide(one, facts({ isConfigured: no, isRecent: yes })), ['unconfigured']);
    assert.deepEqual(decide(one, facts({ mailsTo: () => mailsMax })), ['limited']);
  });

  it('is decided in order: what is accepted counts for the ones behind it', () => {
    const twice = [mail('one'), mail('one'), mail('two'), mail('three'), mail('one', 'b@example.com')];
    const nearlyFull = facts({ mailsTo: (address) => (address === 'a@example.com' ? mailsMax - 2 : 0) });
    assert.deepEqual(decide(twice, nearlyFull), ['accepted', 'duplicate', 'accepted', 'limited', 'accepted']);
  });

  it('is limited for mails only', () => {
    const pulse = notificationOf('pulse', 'topic', {});
    assert.deepEqual(decide([pulse], facts({ mailsTo: () => mailsMax })), ['accepted']);
  });
});

describe('an attempt that failed', () => {
  it('is repeated later each time, at least twice an hour, and not for ever', () => {
    const now = new Date(0);
    const waits = Array.from({ length: attemptsMax }, (_, i) => nextAttempt(i + 1, now)?.getTime());
    assert.deepEqual(waits.slice(0, 4), [10, 20, 40, 80].map(seconds));
    assert.equal(waits.at(-2), minutes(30));
    assert.equal(waits.at(-1), undefined);
    const hoursInAll = waits.reduce<number>((sum, wait) => sum + (wait ?? 0), 0) / minutes(60);
    assert.ok(hoursInAll > 20 && hoursInAll < 26, `${hoursInAll} hours`);
  });
});

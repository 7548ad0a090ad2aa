import assert from 'node:assert/strict';
import { it } from 'node:test';
import { wantedBy, wantedOf, widest } from './wanted.ts';

const routed = { exchange: 'exchange/a', routingKeyPattern: 'route.index.#' };
const keyed = { exchange: 'exchange/b', routingKeyPattern: 'primary.#' };
const everything = { exchange: '#', routingKeyPattern: '#' };

it('bindings to routes only need messages with routes', () => {
  assert.equal(wantedBy([routed]).isRouted, true);
  assert.equal(wantedBy([routed, keyed]).isRouted, false);
});

it('each exchange is listed once, unless all are wanted', () => {
  assert.deepEqual(wantedBy([routed, keyed, routed]).exchanges, ['exchange/a', 'exchange/b']);
  assert.equal(wantedBy([routed, everything]).exchanges, undefined);
});

it('a message is wanted by its key or by one of its routes', () => {
  const { matches } = wantedBy([routed]);
  const message = { exchange: 'exchange/a', routingKey: 'primary.x' };
  assert.equal(matches({ ...message, routes: ['other.a', 'index.a.b'] }), true);
  assert.equal(matches({ ...message, routes: ['other.a'] }), false);
  assert.equal(matches({ ...message, exchange: 'exchange/b', routes: ['index.a.b'] }), false);
});

it('the wanted messages change with the bindings', () => {
  let bindings = [routed];
  const wanted = wantedOf({ bindings: () => bindings });
  assert.equal(wanted(), wanted());
  bindings = [keyed];
  assert.deepEqual(wanted().exchanges, ['exchange/b']);
});

it('the union of several leaves nothing out that one of them wants', () => {
  assert.deepEqual(widest([wantedBy([routed]), wantedBy([keyed])]), {
    exchanges: ['exchange/a', 'exchange/b'],
    isRouted: false,
  });
  assert.equal(widest([wantedBy([routed]), wantedBy([everything])]).exchanges, undefined);
  assert.deepEqual(widest([wantedBy([])]), { exchanges: [], isRouted: true });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lineAt, placesIn } from './json-places.ts';

it('each part of a JSON text has its place', () => {
  const text = '{\n  "a": [1, {"b\\"c/d": true}],\n  "e": {},\n  "f": "x, {"\n}';
  const places = placesIn(text);
  assert.deepEqual(
    [...places].map(([pointer, at]) => [pointer, text.slice(at, at + 4)]),
    [
      ['', '{\n  '],
      ['/a', '"a":'],
      ['/a/0', '1, {'],
      ['/a/1', '{"b\\'],
      ['/a/1/b"c~1d', '"b\\"'],
      ['/e', '"e":'],
      ['/f', '"f":'],
    ],
  );
  assert.equal(lineAt(text, places.get('/f') ?? 0), 4);
  assert.deepEqual([...placesIn('[]')], [['', 0]]);
});

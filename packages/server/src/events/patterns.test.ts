import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { matcher, topicPattern } from './patterns.ts';

// The definition of AMQP topic matching, without optimizations.
const fits = (pattern: string[], key: string[]): boolean => {
  const [head, ...rest] = pattern;
  if (head === undefined) return key.length === 0;
  if (head === '#') return fits(rest, key) || (key.length > 0 && fits(pattern, key.slice(1)));
  return key.length > 0 && (head === '*' || head === key[0]) && fits(rest, key.slice(1));
};

describe('topic patterns', () => {
  const word = fc.constantFrom('a', 'b', 'c');
  it('of many words take no longer than their product', () => {
    // Twenty `#` over two hundred words: backtracking would practically never end.
    const pattern = `${'#.a.'.repeat(20)}b`;
    assert.equal(topicPattern(pattern)(`${'a.'.repeat(200)}c`), false);
    assert.equal(topicPattern(pattern)(`${'a.'.repeat(200)}b`), true);
  });
  it('match as AMQP defines it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', '*', '#'), { minLength: 1, maxLength: 6 }),
        fc.array(word, { minLength: 1, maxLength: 6 }),
        (pattern, key) => {
          assert.equal(topicPattern(pattern.join('.'))(key.join('.')), fits(pattern, key));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('match routes too', () => {
    const matches = matcher([{ exchange: 'e', routingKeyPattern: 'route.index.#' }]);
    assert.equal(matches({ exchange: 'e', routingKey: 'primary.x', routes: ['index.a.b'] }), true);
    assert.equal(matches({ exchange: 'f', routingKey: 'primary.x', routes: ['index.a.b'] }), false);
    assert.equal(matches({ exchange: 'e', routingKey: 'index.a', routes: [] }), false);
  });
});

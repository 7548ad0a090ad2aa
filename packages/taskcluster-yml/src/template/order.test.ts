import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inOrder, type Node } from './order.ts';

/** Random graphs in which a task needs only tasks of a lower number, listed in a random order. */
const acyclic: fc.Arbitrary<Node[]> = fc
  .array(fc.array(fc.nat(), { maxLength: 5 }), { maxLength: 40 })
  .map((all) => all.map((needs, index) => node(index, index === 0 ? [] : needs.map((need) => need % index))))
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }));

const node = (index: number, needs: readonly number[]): Node => ({
  label: `t${index}`,
  needs: needs.map((n) => `t${n}`),
});

describe('the order of a graph', () => {
  it('holds every task once, after all that it needs', () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const { order, cycles } = inOrder(nodes);
        assert.deepEqual(cycles, []);
        assert.deepEqual([...order].sort(), nodes.map(({ label }) => label).sort());
        const place = new Map(order.map((label, index) => [label, index]));
        for (const { label, needs } of nodes) {
          for (const need of needs) assert.ok((place.get(need) ?? 0) < (place.get(label) ?? 0));
        }
      }),
    );
  });

  it('keeps the order of the file where needs leave it open', () => {
    const { order } = inOrder([
      { label: 'b', needs: [] },
      { label: 'a', needs: [] },
    ]);
    assert.deepEqual(order, ['b', 'a']);
  });

  it('does not exist if there is a cycle, and a real one is named', () => {
    fc.assert(
      fc.property(acyclic, fc.integer({ min: 1, max: 10 }), (nodes, length) => {
        const ring = Array.from({ length }, (_, i) => ({ label: `r${i}`, needs: [`r${(i + 1) % length}`] }));
        const tail = { label: 'tail', needs: ['r0', ...nodes.slice(0, 1).map(({ label }) => label)] };
        const [cycle, ...others] = inOrder([tail, ...nodes, ...ring]).cycles;
        assert.deepEqual(others, []);
        assert.deepEqual([...(cycle ?? [])].sort(), ring.map(({ label }) => label).sort());
        const needs = new Map(ring.map((one) => [one.label, one.needs]));
        cycle?.forEach((label, index) => {
          assert.ok(needs.get(label)?.includes(cycle[(index + 1) % cycle.length] ?? ''));
        });
      }),
    );
  });

  it('names one cycle of each knot', () => {
    const pair = (a: string, b: string): Node[] => [
      { label: a, needs: [b] },
      { label: b, needs: [a] },
    ];
    assert.equal(inOrder([...pair('a', 'b'), ...pair('c', 'd')]).cycles.length, 2);
  });
});

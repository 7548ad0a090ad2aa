import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { parseSource } from '@taskyard/taskcluster-yml/template';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { graphOf } from './load.ts';

const slugid = (): string => `AAAAAAAAQ-C${randomBytes(8).toString('base64url').slice(0, 10)}A`;

/** Random tasks with odd labels; each needs some of those before it. */
const graphs = fc
  .uniqueArray(
    fc
      .string({ minLength: 1, maxLength: 12 })
      .filter((label) => !label.includes('$') && label !== '__proto__' && label !== '<<'),
    { minLength: 1, maxLength: 25 },
  )
  .chain((labels) =>
    fc.tuple(
      ...labels.map((label, index) => fc.subarray(labels.slice(0, index)).map((needs) => ({ label, needs }))),
    ),
  );

describe('a written graph', () => {
  it('keeps every dependency', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const tasks = Object.fromEntries(nodes.map(({ label, needs }) => [label, { needs, payload: {} }]));
        const text = stringify({ version: 1, name: 'x', defaults: { taskQueueId: 'a/b' }, tasks });
        const graph = graphOf(parseSource('graph.yml', text), { params: {}, now: new Date(0), slugid });
        const bodies = new Map(graph.tasks.map(({ label, task }) => [label, task]));
        assert.equal(bodies.size, nodes.length);
        for (const { label, needs } of nodes) {
          assert.deepEqual(
            bodies.get(label)?.dependencies,
            needs.map((need) => graph.labels[need]),
          );
        }
      }),
    );
  });
});

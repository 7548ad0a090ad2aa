import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { referenceDocuments } from '@taskyard/server';
import { isFields, validatorOf } from '@taskyard/taskcluster-yml/template';
import { type Schema, taskSchema } from './schema.ts';

const published = referenceDocuments().find(
  ({ filename }) => filename === 'schemas/queue/v1/create-task-request.json',
)?.content as Schema;
const queue = published.properties as Record<string, Schema>;
const form = taskSchema.properties as Record<string, Schema>;

/** Fields that graph files do not have: they are filled in, or written differently. */
const filledIn = ['created', 'taskGroupId', 'provisionerId', 'workerType'];

describe('the form of a task', () => {
  it('has the fields of the queue, and in addition only `needs`, `run` and `source`', () => {
    const known = Object.keys(queue).filter((field) => !filledIn.includes(field));
    assert.deepEqual(Object.keys(form).sort(), [...known, 'needs', 'run', 'source'].sort());
  });

  it('has the limits of the queue', () => {
    const samples: Record<string, readonly unknown[]> = {
      dependencies: [['AAAAAAAAQ-CAAAAAAAAAAA'], ['x']],
      requires: ['all-completed', 'all-resolved', 'any'],
      taskQueueId: ['a/b', 'A_1-/b-2', 'a/B', 'a', 'a/-', `${'a'.repeat(39)}/b`, `a/${'b'.repeat(39)}`],
      schedulerId: ['-', 'a'.repeat(38), '', 'a'.repeat(39), 'a.b'],
      projectId: ['a/b.c', 'a'.repeat(500), '', 'a'.repeat(501), 'a b'],
      priority: ['highest', 'lowest', 'normal'],
      retries: [0, 49, -1, 50, 1.5, '1'],
      deadline: ['2026-01-01T00:00:00Z', '2026-01-01', 'soon'],
      expires: ['2026-01-01T00:00:00.123Z', 'soon'],
      routes: [['x'.repeat(249)], ['x'.repeat(250)], [''], ['x', 'x'], Array.from({ length: 65 }, String)],
      scopes: [['a b', ''], ['\n'], 'x'],
      payload: [{}, []],
      metadata: ['ftp://x', 'https://x', `https://${'x'.repeat(4089)}`].map((source) => ({
        name: 'x'.repeat(255),
        description: '',
        owner: '',
        source,
      })),
      tags: [{ a: 'x'.repeat(4096) }, { a: 'x'.repeat(4097) }, { a: 1 }],
      extra: [{}, 1],
    };
    for (const [field, values] of Object.entries(samples)) {
      const [ours, theirs] = [form, queue].map((fields) => validatorOf(alone(fields[field])));
      for (const value of values) {
        const [isOurs, isTheirs] = [ours, theirs].map((check) => check?.({ value }).length === 0);
        assert.equal(isOurs, isTheirs, `${field}: ${JSON.stringify(value).slice(0, 80)}`);
      }
    }
  });
});

/** A field as the only one; references between the published documents are followed by hand. */
const alone = (schema: Schema | undefined): Schema => ({ properties: { value: resolved(schema ?? {}) } });

const resolved = (schema: Schema): Schema => {
  if (typeof schema.$ref !== 'string') return schema;
  const [file, pointer = ''] = schema.$ref.split('#');
  const document = referenceDocuments().find(({ filename }) => filename === `schemas/queue/v1/${file}`);
  let found: unknown = document?.content;
  for (const step of pointer.split('/').filter(Boolean)) found = isFields(found) ? found[step] : undefined;
  assert.ok(isFields(found), `${schema.$ref} is not there`);
  const { $id: _id, $schema: _metaschema, ...plain } = found;
  return plain;
};

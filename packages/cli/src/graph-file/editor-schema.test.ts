import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { validatorOf } from '@taskyard/taskcluster-yml/template';
import { parse } from 'yaml';
import { editorSchema } from './editor-schema.ts';

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

describe('the schema of the format', () => {
  it('is written as the code has it', () => {
    assert.deepEqual(
      JSON.parse(read('packages/cli/schemas/graph-file.json')),
      JSON.parse(JSON.stringify(editorSchema())),
    );
  });

  it('accepts the example, expressions and all', () => {
    assert.deepEqual(validatorOf(editorSchema())(parse(read('examples/packages/graph.yml'))), []);
  });

  it('refuses an unknown field of a task', () => {
    const file = { version: 1, name: 'x', tasks: { a: { payload: {}, colour: 'red' } } };
    assert.notDeepEqual(validatorOf(editorSchema())(file), []);
  });
});

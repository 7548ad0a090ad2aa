import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { payloadSchema } from './published-schema.ts';

const accepts = (schema: object, payload: object): boolean => {
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  return ajv.compile(schema)(payload) as boolean;
};

const generic = { command: [['true']], maxRunTime: 60, mounts: [{ file: 'f', content: { raw: 'x' } }] };
const docker = { image: { type: 'docker-image', name: 'x' }, command: ['true'], maxRunTime: 60 };

test('each schema accepts the payloads of its format, and the common one both', () => {
  const payloads = { 'generic-worker': generic, 'docker-worker': docker };
  for (const format of ['generic-worker', 'docker-worker'] as const) {
    for (const [name, payload] of Object.entries(payloads)) {
      assert.equal(accepts(payloadSchema(format), payload), name === format);
      assert.equal(accepts(payloadSchema(), payload), true);
    }
  }
  assert.equal(accepts(payloadSchema(), { ...generic, ...docker }), false);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientFiles } from './client-files.mjs';
import { readContracts } from './contracts.mjs';
import { referencePages } from './reference-pages.mjs';
import { nodeOf, print } from './schema-types.mjs';

const typeOf = (schema, { sends = false, others = {} } = {}) => {
  const schemas = new Map(Object.entries({ 'this.json': schema, ...others }));
  return print(nodeOf(schema, { schemas, file: 'this.json', sends }), () => undefined).replace(/\s+/g, ' ');
};

describe('a JSON schema becomes a type', () => {
  const object = (properties, required = [], rest = {}) => ({
    type: 'object',
    properties,
    required,
    additionalProperties: false,
    ...rest,
  });
  const cases = [
    [{ type: 'string' }, 'string'],
    [{ type: 'integer' }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ enum: ['a', "it's", 3] }, "'a' | 'it\\'s' | 3"],
    [{ const: true, type: 'boolean' }, 'true'],
    [{}, 'unknown'],
    [{ type: 'array', items: { type: 'string' } }, 'string[]'],
    [{ type: 'array', items: { enum: ['a', 'b'] } }, "('a' | 'b')[]"],
    [{ type: 'array' }, 'unknown[]'],
    [{ type: 'object' }, 'Record<string, unknown>'],
    [{ type: 'object', additionalProperties: { type: 'string' } }, 'Record<string, string>'],
    [
      { type: 'object', patternProperties: { '^x': { type: 'number' } }, additionalProperties: false },
      'Record<string, number>',
    ],
    [object({}), 'Record<string, never>'],
    [object({ a: { type: 'string' }, 'b-c': { type: 'number' } }, ['a']), "{ a: string; 'b-c'?: number; }"],
    [{ oneOf: [{ type: 'string' }, { type: 'number' }] }, 'string | number'],
    [{ anyOf: [{ type: 'string' }, { type: 'string', maxLength: 1 }] }, 'string'],
    [{ type: 'string', oneOf: [{ pattern: 'a' }, { pattern: 'b' }] }, 'string'],
    [object({ a: { type: 'string' } }, [], { anyOf: [{ required: ['a'] }] }), '{ a?: string; }'],
    [
      { allOf: [object({ a: { type: 'string' } }, ['a']), object({ b: { type: 'number' } })] },
      '{ a: string; b?: number; }',
    ],
    [{ type: 'array', items: [{ type: 'string' }, { type: 'number' }] }, '(string | number)[]'],
  ];
  for (const [schema, expected] of cases) {
    it(`${JSON.stringify(schema)} → ${expected}`, () => assert.equal(typeOf(schema), expected));
  }

  it('follows references into other files and into itself', () => {
    const others = { 'task.json': object({ id: { type: 'string' }, when: { $ref: '#/properties/id' } }) };
    const schema = object({ a: { $ref: 'task.json#/properties/when' }, b: { $ref: 'task.json#' } });
    assert.equal(typeOf(schema, { others }), '{ a?: string; b?: { id?: string; when?: string; }; }');
    assert.throws(() => typeOf({ $ref: 'absent.json#' }), /points at nothing/);
  });

  it('a default makes a field optional for senders', () => {
    const schema = object({ a: { type: 'number', default: 5 } }, ['a']);
    assert.equal(typeOf(schema), '{ a: number; }');
    assert.equal(typeOf(schema, { sends: true }), '{ a?: number; }');
  });
});

describe('the files of a service', () => {
  const big = {
    type: 'object',
    additionalProperties: false,
    required: ['a', 'b', 'c'],
    properties: { a: { type: 'string' }, b: { type: 'string' }, c: { type: 'string' } },
  };
  const reordered = { ...big, properties: { c: big.properties.c, b: big.properties.b, a: big.properties.a } };
  const entry = (fields) => ({
    type: 'function',
    args: [],
    query: [],
    title: 'Title',
    description: 'Told.',
    category: 'C',
    stability: 'stable',
    ...fields,
  });
  const documents = [
    {
      filename: 'references/mail/v1/api.json',
      content: {
        serviceName: 'mail',
        title: 'Mail',
        description: 'Sends mail.',
        entries: [
          entry({
            name: 'send',
            method: 'put',
            route: '/mail/<id>',
            args: ['id'],
            input: 'v1/letter.json#',
            scopes: { AllOf: ['a:<id>', { AnyOf: ['b', 'c'] }] },
          }),
          entry({
            name: 'list',
            method: 'get',
            route: '/mails',
            query: ['limit'],
            output: 'v1/letters.json#',
          }),
        ],
      },
    },
    {
      filename: 'schemas/mail/v1/letter.json',
      content: { type: 'object', properties: { to: big, cc: big }, additionalProperties: false },
    },
    { filename: 'schemas/mail/v1/letters.json', content: { type: 'array', items: reordered } },
  ];
  const contracts = readContracts(documents);

  it('declare a shape once that is used twice', () => {
    const { text } = clientFiles(contracts).find(({ name }) => name === 'mail.ts');
    assert.match(text, /export type Letter = \{\n {2}to\?: To;\n {2}cc\?: To;\n\};/);
    assert.equal(text.match(/a: string/g).length, 1);
    assert.match(text, /send\(id: string, body: Letter, options\?: CallOptions\): Promise<void>;/);
    assert.match(text, /list\(options\?: QueryOptions<'limit'>\): Promise<To\[\]>;/);
    assert.match(text, /send: \{ method: 'PUT', route: '\/mail\/<id>', title: 'Title', input: true \},/);
  });

  it('take over a type that another service has declared', () => {
    const letter = {
      ...big,
      properties: { ...big.properties, d: { type: 'string' } },
    };
    const serviceOf = (name, schema) => [
      {
        filename: `references/${name}/v1/api.json`,
        content: {
          title: name,
          description: name,
          entries: [entry({ name: 'send', method: 'put', route: '/send', input: `v1/${schema}.json#` })],
        },
      },
      { filename: `schemas/${name}/v1/${schema}.json`, content: letter },
    ];
    const files = clientFiles(readContracts([...serviceOf('mail', 'letter'), ...serviceOf('post', 'card')]));
    const { text } = files.find(({ name }) => name === 'post.ts');
    assert.match(text, /import type \{ Letter \} from '.\/mail.ts';/);
    assert.match(text, /send\(body: Letter, options\?: CallOptions\)/);
    assert.doesNotMatch(text, /export type Card/);
  });

  it('come with a page for readers', () => {
    const { text } = referencePages(contracts).find(({ name }) => name === 'mail.md');
    assert.match(text, /### send\n\n`PUT \/api\/mail\/v1\/mail\/<id>`\n\nTold\./);
    assert.match(text, /Scopes: `a:<id>` and \(`b` or `c`\)/);
    assert.match(text, /\| `to` \| object \|/);
  });
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as artifactSchemas from './artifacts/schema.ts';
import type { PublishedSchema } from './http/index.ts';
import * as objectSchemas from './objects/schema.ts';
import * as queueSchemas from './queue/schema/index.ts';
import * as workerSchemas from './workers/schema.ts';

// The published contract that ours must equal. It is not ours to ship, so the comparison is skipped without it.
const path =
  process.env['TASKYARD_REFERENCES'] ??
  fileURLToPath(new URL('../../../../shared/references.json', import.meta.url));
const skip = existsSync(path) ? false : `no published references at ${path}`;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };
interface Document {
  readonly filename: string;
  readonly content: JsonObject;
}
const documents: Document[] = skip ? [] : (JSON.parse(readFileSync(path, 'utf8')) as Document[]);
const byName = new Map(documents.map(({ filename, content }) => [`/${filename}`, content]));

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const target = (reference: string, base: string): { schema: Json; base: string } => {
  const url = new URL(reference, `http://schemas${base}`);
  let schema: Json | undefined = byName.get(url.pathname);
  for (const key of url.hash.split('/').slice(1)) schema = isObject(schema) ? schema[key] : undefined;
  assert.ok(schema !== undefined, `${reference} leads nowhere from ${base}`);
  return { schema, base: url.pathname };
};

const words = new Set(['title', 'description', '$id', '$schema']);
// These say nothing: they are what a schema without the word means anyway.
const isIdle = (key: string, value: Json): boolean =>
  (key === 'uniqueItems' && value === false) ||
  (key === 'additionalProperties' && value === true) ||
  (/^min(Length|Properties)$/.test(key) && value === 0) ||
  (key === 'required' && (value as Json[]).length === 0) ||
  (key === 'properties' && Object.keys(value as object).length === 0);

/** A schema as far as it decides anything: references followed, words for people left out, sets in order. */
const effective = (schema: Json, base: string): Json => {
  if (!isObject(schema)) return schema;
  if (typeof schema['$ref'] === 'string') {
    const { $ref, ...beside } = schema;
    const found = target($ref as string, base);
    return effective({ ...(found.schema as JsonObject), ...beside }, found.base);
  }
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (words.has(key) || isIdle(key, value)) continue;
    if (key === 'type' && 'const' in schema) continue;
    if (key === 'required' || key === 'enum') result[key] = [...(value as string[])].sort();
    else if (key === 'properties' || key === 'definitions')
      result[key] = Object.fromEntries(
        Object.entries(value as JsonObject).map(([name, part]) => [name, effective(part, base)]),
      );
    else if (/^(oneOf|anyOf|allOf)$/.test(key))
      result[key] = (value as Json[]).map((part) => effective(part, base));
    else result[key] = key === 'default' ? value : effective(value, base);
  }
  return result;
};

const isPublished = (value: unknown): value is PublishedSchema =>
  typeof value === 'object' && value !== null && 'service' in value && 'schema' in value && 'name' in value;

const ours = [queueSchemas, workerSchemas, artifactSchemas, objectSchemas]
  .flatMap((module): unknown[] => Object.values(module))
  .filter(isPublished);

describe('schemas equal those of the published contract', { skip }, () => {
  for (const { service, name, schema } of ours) {
    it(`${service}/${name}`, () => {
      const filename = `/schemas/${service}/v1/${name}.json`;
      const theirs = byName.get(filename);
      assert.ok(theirs, 'published by nobody');
      assert.deepEqual(effective(plain(schema), filename), effective(theirs, filename));
    });
  }
  for (const service of ['queue', 'object']) {
    it(`${service}: none is missing`, () => {
      const missing = [...byName.keys()]
        .map((filename) => new RegExp(`^/schemas/${service}/v1/(.*)\\.json$`).exec(filename)?.[1])
        .filter((name) => name && !ours.some((one) => one.service === service && one.name === name));
      assert.deepEqual(missing, []);
    });
  }
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { referenceDocuments } from './declarations.ts';

// The published contract that ours must equal. It is not ours to ship, so the comparison is skipped without
// it.
const path =
  process.env.TASKYARD_REFERENCES ??
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
  if (typeof schema.$ref === 'string') {
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

/** Methods that only we have, by document. They are no mistake, but they are to be known. */
// `taskQueueCountsBatch` is the original's since version 109, of which no references were published.
const additionsOf: Readonly<Record<string, readonly string[]>> = {
  // Of the original since v108.1; the reference that we compare with is older.
  'github/exchanges': ['taskclusterYmlUpdate'],
  'hooks/api': ['hookBindings'],
  'queue/api': [
    'awaitLostRuns',
    'createArtifactInParts',
    'createArtifacts',
    'createTaskGroupTasks',
    'finishArtifactInParts',
    'reportRuns',
    'rerunTaskGroup',
    'taskQueueCountsBatch',
  ],
  'worker-manager/api': [
    'drainWorker',
    'listWorkerPoolPauses',
    'pauseWorkerPool',
    'resumeWorkerPool',
    'workerPoolDecisions',
    'workerPoolPause',
    'workerPoolSamples',
  ],
};

const ours = new Map(referenceDocuments().map(({ filename, content }) => [`/${filename}`, plain(content)]));

// What other services than these publish has no counterpart: it is ours alone.
const services = [...ours.keys()]
  .map((filename) => /^\/references\/(.*)\/v1\/api\.json$/.exec(filename)?.[1] ?? '')
  .filter((service) => byName.has(`/references/${service}/v1/api.json`));

const entriesOf = (documents: ReadonlyMap<string, JsonObject>, filename: string): Map<string, JsonObject> =>
  new Map(
    ((documents.get(filename)?.entries ?? []) as JsonObject[]).map((entry) => [String(entry.name), entry]),
  );

/** A method or an exchange without the words for people, and sets in order. */
const promised = ({ title: _title, description: _description, ...entry }: JsonObject): JsonObject => ({
  ...entry,
  ...(Array.isArray(entry.query) ? { query: [...entry.query].sort() } : {}),
  ...(Array.isArray(entry.routingKey)
    ? { routingKey: entry.routingKey.map((word) => ({ ...(word as JsonObject), summary: '' })) }
    : {}),
});

it('the published references are there to compare with', { skip }, () => {
  assert.ok(services.length > 0);
});

for (const service of services) {
  describe(`the service ${service} is the published one`, { skip }, () => {
    for (const document of ['api', 'exchanges']) {
      const filename = `/references/${service}/v1/${document}.json`;
      const published = entriesOf(byName, filename);
      const served = entriesOf(ours, filename);
      for (const [name, entry] of published) {
        it(`${document}: ${name}`, () => {
          const own = served.get(name);
          assert.ok(own, 'is not served');
          assert.deepEqual(promised(own), promised(entry));
        });
      }
      it(`${document}: nothing is served besides`, () => {
        const additions = [...served.keys()].filter((name) => !published.has(name)).sort();
        assert.deepEqual(additions, additionsOf[`${service}/${document}`] ?? []);
      });
    }
    const schemas = [...byName.keys()].filter((filename) => filename.startsWith(`/schemas/${service}/v1/`));
    for (const filename of schemas) {
      it(filename, () => {
        const own = ours.get(filename);
        assert.ok(own, 'is not served');
        assert.deepEqual(effective(own, filename), effective(byName.get(filename) as Json, filename));
      });
    }
  });
}

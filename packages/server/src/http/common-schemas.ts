import type { ReferenceDocument } from './contract.ts';

const draft = 'http://json-schema.org/draft-06/schema#';

const schema = (name: string, content: object): ReferenceDocument => ({
  filename: `schemas/common/${name}.json`,
  content: { $schema: draft, $id: `/schemas/common/${name}.json#`, ...content },
});

const list = { type: 'array', items: { type: 'object' } };

/** The schemas of the published documents themselves. */
export const commonSchemas: readonly ReferenceDocument[] = [
  schema('metaschema', { title: 'A schema of an API', allOf: [{ $ref: draft }] }),
  schema('api-reference-v0', {
    title: 'The reference of an API',
    type: 'object',
    required: ['apiVersion', 'serviceName', 'title', 'description', 'entries'],
    properties: { entries: list },
  }),
  schema('exchanges-reference-v0', {
    title: 'The reference of the messages that a service publishes',
    type: 'object',
    required: ['apiVersion', 'serviceName', 'exchangePrefix', 'title', 'description', 'entries'],
    properties: { entries: list },
  }),
  schema('manifest-v3', {
    title: 'The list of all references',
    type: 'object',
    required: ['references'],
    properties: { references: { type: 'array', items: { type: 'string' } } },
  }),
];

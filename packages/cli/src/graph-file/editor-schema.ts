import { isFields } from '@taskyard/taskcluster-yml/template';
import { originSchema } from './origin.ts';
import { fileSchema, type Schema, taskSchema } from './schema.ts';

/**
 * The schema of a graph file as it is written, for editors: like the one of the rendered file, except that a
 * json-e expression may stand for any value below `defaults` and `tasks`.
 */
export const editorSchema = (): Schema => {
  const { properties } = fileSchema as { properties: Record<string, Schema> };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Taskyard graph file',
    description: 'A graph of tasks: YAML, rendered by json-e. See docs/guides/graph-files.md.',
    ...fileSchema,
    properties: {
      ...properties,
      source: { ...originSchema, anyOf: (originSchema.anyOf as Schema[]).map(expressible) },
      defaults: { ...properties.defaults, $ref: '#/definitions/defaults' },
      tasks: { ...properties.tasks, $ref: '#/definitions/tasks' },
    },
    definitions: {
      expression: {
        type: 'object',
        description: 'A json-e expression, such as {$eval: …}, {$if: …, then: …} or {$map: …, each(x): …}.',
        minProperties: 1,
        patternProperties: { '^\\$[a-zA-Z]': {} },
        anyOf: operators.map((operator) => ({ required: [operator] })),
      },
      interpolation: { type: 'string', pattern: '\\$\\{' },
      task: expressible({ ...taskSchema, anyOf: [{ required: ['payload'] }, { required: ['run'] }] }),
      defaults: expressible(taskSchema),
      tasks: {
        anyOf: [
          { $ref: '#/definitions/expression' },
          { type: 'object', additionalProperties: { $ref: '#/definitions/task' } },
          { type: 'array', items: { $ref: '#/definitions/tasks' } },
        ],
      },
    },
  };
};

const operators = [
  '$eval',
  '$json',
  '$if',
  '$switch',
  '$match',
  '$flatten',
  '$flattenDeep',
  '$fromNow',
  '$let',
  '$map',
  '$reduce',
  '$find',
  '$merge',
  '$mergeDeep',
  '$sort',
  '$reverse',
];

const expressible = (schema: Schema): Schema => {
  const inner: Record<string, unknown> = { ...schema };
  if (isFields(schema.properties)) {
    inner.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, expressible(property as Schema)]),
    );
  }
  for (const key of ['items', 'additionalProperties'] as const) {
    if (isFields(schema[key])) inner[key] = expressible(schema[key]);
  }
  const description = schema.description === undefined ? {} : { description: schema.description };
  delete inner.description;
  const string =
    schema.type === 'string' || 'enum' in schema ? [{ $ref: '#/definitions/interpolation' }] : [];
  return { ...description, anyOf: [inner, { $ref: '#/definitions/expression' }, ...string] };
};

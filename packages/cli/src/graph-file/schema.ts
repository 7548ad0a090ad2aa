import type { Fields } from '@taskyard/taskcluster-yml/template';
import { paramTypes } from './params.ts';

/** A JSON schema, as data. */
export type Schema = Fields;

const text = (maxLength: number, description: string): Schema => ({ type: 'string', maxLength, description });
const matching = (pattern: string, description: string): Schema => ({ type: 'string', pattern, description });
const date = (description: string): Schema => ({ type: 'string', format: 'date-time', description });
const list = (items: Schema, options: Schema): Schema => ({ type: 'array', items, ...options });

const identifier = '^[a-zA-Z0-9-_]{1,38}$';
const slugid = '^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$';

const metadata: Schema = {
  type: 'object',
  additionalProperties: false,
  description: 'For people. What is left out is made from the label, the graph and the file.',
  properties: {
    name: text(255, 'What people call the task; its label unless given.'),
    description: text(32_768, 'What the task does and why, in Markdown.'),
    owner: text(255, 'Whom to ask about it.'),
    source: {
      ...matching('^(https?://|ssh://|git@)', 'A link to where the definition came from.'),
      maxLength: 4096,
    },
  },
};

/** A task as a graph file writes it, after rendering: the queue's own fields, but other tasks are named by label. */
export const taskSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    needs: list(text(255, 'A label of this file.'), {
      uniqueItems: true,
      maxItems: 10_000,
      description: 'Labels of the tasks that come before this one.',
    }),
    dependencies: list(matching(slugid, 'A taskId.'), {
      uniqueItems: true,
      maxItems: 10_000,
      description: 'Tasks outside of this file that come before this one, by taskId.',
    }),
    requires: {
      enum: ['all-completed', 'all-resolved'],
      description: 'Whether those tasks must have completed (the default) or only be over.',
    },
    taskQueueId: matching(
      '^[a-zA-Z0-9-_]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?$',
      'The queue whose workers take the task.',
    ),
    schedulerId: matching(identifier, 'Under whose authority the tasks of the group are created.'),
    projectId: matching('^[a-zA-Z0-9._/-]{1,500}$', 'The project that the task belongs to.'),
    priority: {
      enum: ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'],
      description: 'Tasks of a higher priority are claimed first.',
    },
    retries: {
      type: 'integer',
      minimum: 0,
      maximum: 49,
      description:
        'How often the task may run again after its worker was lost or asked for a retry; 5 unless given.',
    },
    deadline: date('When the task is given up; a day from now unless given.'),
    expires: date('When the task and its artifacts are deleted; seven days from now unless given.'),
    routes: list(
      { type: 'string', minLength: 1, maxLength: 249 },
      {
        uniqueItems: true,
        maxItems: 64,
        description: 'Further routing keys of the messages about the task.',
      },
    ),
    scopes: list(matching('^[ -~]*$', 'A scope.'), { description: 'What the task may do.' }),
    run: {
      type: 'string',
      minLength: 1,
      description: 'A script for bash, in place of a command in the payload. It ends at the first failure.',
    },
    payload: { type: 'object', description: 'The work itself, in the format of the worker that takes it.' },
    source: {
      type: 'boolean',
      description: "False keeps the graph's source out of the task's directory.",
    },
    metadata,
    tags: {
      type: 'object',
      additionalProperties: { type: 'string', maxLength: 4096 },
      description: 'Words to find the task by.',
    },
    extra: { type: 'object', description: 'For tools; the queue only keeps it.' },
  },
};

const paramSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    default: { description: 'The value unless one is given; without a default, one must be given.' },
    description: { type: 'string', description: 'What the parameter changes.' },
    type: { enum: paramTypes, description: 'The type of the value; that of the default unless given.' },
    values: { type: 'array', minItems: 1, description: 'The only values allowed.' },
  },
};

/** The top-level keys of a graph file. `tasks` and `defaults` are checked after rendering, task by task. */
export const fileSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'tasks'],
  properties: {
    version: { const: 1, description: 'The version of this format; 1 unless given.' },
    name: { type: 'string', minLength: 1, maxLength: 255, description: 'What people call the graph.' },
    description: { type: 'string', maxLength: 32_768, description: 'What the graph is for, in Markdown.' },
    params: {
      type: 'object',
      additionalProperties: paramSchema,
      propertyNames: { pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' },
      description: 'Parameters, read as `params.<name>` in expressions and given as `--param name=value`.',
    },
    source: { description: 'The files that tasks find in their directory.' },
    defaults: { type: 'object', description: 'Fields that every task has unless it says otherwise.' },
    tasks: {
      type: ['object', 'array'],
      description: 'The tasks by label: a map, an expression that makes one, or a list of these.',
    },
  },
};

// The form of the file as the original publishes it (taskcluster-github-config, v0 and v1): checked before rendering.
import { pullRequestPolicies } from './types.ts';

const hook = {
  type: 'object',
  properties: { name: { type: 'string' }, context: { type: 'object' } },
  required: ['name'],
  additionalProperties: false,
};

const policy = {
  type: 'object',
  properties: {
    pullRequests: { enum: [...pullRequestPolicies] },
    allowComments: { enum: ['collaborators'] },
  },
  additionalProperties: false,
};

/** Version 1: tasks are a list of templates, or one template that renders to a list. */
export const versionOneSchema = {
  type: 'object',
  properties: {
    version: { enum: [1] },
    policy,
    reporting: { enum: ['checks-v1'] },
    autoCancelPreviousChecks: { type: 'boolean' },
    tasks: { type: ['array', 'object'], items: { type: 'object' } },
    hooks: { type: 'array', items: hook },
  },
  required: ['version'],
  additionalProperties: false,
};

const text = { type: 'string' };

/** Version 0: tasks are a list, with `{{ … }}` in their strings. */
export const versionZeroSchema = {
  type: 'object',
  properties: {
    version: { enum: [0] },
    allowPullRequests: { enum: ['public', 'collaborators'] },
    metadata: {
      type: 'object',
      properties: { name: text, description: text, owner: text, source: text },
      required: ['name', 'description', 'owner', 'source'],
      additionalProperties: false,
    },
    tasks: {
      type: 'array',
      items: { type: 'object', properties: { created: text, deadline: text } },
    },
  },
  required: ['version'],
  additionalProperties: false,
};

const strings = { type: 'array', items: text };

/** What a task of version 0 says about events; such a task is passed over without it. */
export const githubSchema = {
  type: 'object',
  properties: { events: strings, branches: strings, excludeBranches: strings, env: { type: 'boolean' } },
  required: ['events'],
};

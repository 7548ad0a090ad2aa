import { Type } from 'typebox';
import { anyObject, exactly, oneOf, publish } from '../../http/index.ts';

const { Optional, String: Text } = Type;

const open = { additionalProperties: true };

const Hook = exactly({
  name: Text({ description: 'The hook, as `<hookGroupId>/<hookId>`.' }),
  context: Optional(
    anyObject({ ...open, default: {}, description: 'Handed to the hook as it is, under `context`.' }),
  ),
});

/** The file `.taskcluster.yml` of version 1. */
export const taskclusterGithubConfigV1 = publish(
  'github',
  'taskcluster-github-config.v1',
  exactly(
    {
      version: Type.Unsafe<1>({ type: 'integer', enum: [1] }),
      policy: Optional(
        exactly({
          pullRequests: Optional(
            oneOf(['public', 'public_restricted', 'collaborators', 'collaborators_quiet'], {
              description: 'Whose pull requests make tasks. The file of the default branch decides.',
            }),
          ),
          allowComments: Optional(
            oneOf(['collaborators'], {
              description: 'Who may ask for tasks by a comment that begins with `/taskcluster`.',
            }),
          ),
        }),
      ),
      autoCancelPreviousChecks: Optional(
        Type.Boolean({ default: true, description: 'Whether a push cancels what it replaces.' }),
      ),
      reporting: Optional(
        oneOf(['checks-v1'], { description: 'Check runs for tasks, in place of a commit status.' }),
      ),
      hooks: Optional(Type.Array(Hook, { default: [], description: 'Hooks to trigger.' })),
      tasks: Optional(
        Type.Unsafe<readonly object[] | object>({
          default: [],
          description: 'Tasks, as json-e makes them.',
          oneOf: [
            { type: 'array', items: { type: 'object', ...open }, uniqueItems: false },
            { type: 'object', ...open },
          ],
        }),
      ),
    },
    { title: '.taskcluster.yml, version 1' },
  ),
);

/** The same of version 0. */
export const taskclusterGithubConfig = publish(
  'github',
  'taskcluster-github-config',
  exactly(
    {
      version: Type.Unsafe<0>({ type: 'integer', enum: [0] }),
      metadata: Optional(
        exactly({
          name: Text({ maxLength: 255 }),
          description: Text({ maxLength: 32_768 }),
          owner: Text({ maxLength: 255 }),
          source: Text({ maxLength: 4096 }),
        }),
      ),
      allowPullRequests: Optional(
        oneOf(['public', 'collaborators'], {
          description: 'Whose pull requests make tasks. The file of the default branch decides.',
        }),
      ),
      tasks: Optional(
        Type.Array(
          Type.Unsafe<object>({
            type: 'object',
            ...open,
            properties: {
              created: { type: 'string', default: '{{ $fromNow }}' },
              deadline: { type: 'string', default: "{{ '1 day' | $fromNow }}" },
            },
          }),
          { default: [] },
        ),
      ),
    },
    { title: '.taskcluster.yml, version 0' },
  ),
);

import { type Static, Type } from 'typebox';
import {
  anyObject,
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  oneOf,
  publish,
  Slugid,
} from '../http/index.ts';

const { Optional, String: Text } = Type;

const HookGroupId = Text({ minLength: 1, maxLength: 1000, pattern: '^([a-zA-Z0-9-_]*)$' });
const HookId = Text({ minLength: 1, maxLength: 1000, pattern: '^([a-zA-Z0-9-_/]*)$' });

export const HookMetadata = exactly(
  {
    name: Text({ maxLength: 255, description: 'What people call the hook.' }),
    description: Text({
      maxLength: 32_768,
      description: 'What the hook is for and what it does, in Markdown.',
    }),
    owner: Text({
      maxLength: 255,
      format: 'email',
      description: 'Who answers for the hook, and is told of errors.',
    }),
    emailOnError: Optional(
      Type.Boolean({
        default: true,
        description:
          'Tell the owner by mail when a task could not be created and no caller was there to see it.',
      }),
    ),
  },
  { title: 'Hook metadata' },
);
export const hookMetadata = publish('hooks', 'hook-metadata', HookMetadata);

export const Bindings = distinct(
  exactly(
    {
      exchange: Text({ minLength: 1, description: 'The full name of an exchange.' }),
      routingKeyPattern: Text({ minLength: 1, description: '`*` is one word, `#` any number of words.' }),
    },
    { title: 'Binding' },
  ),
  { title: 'Bindings', description: 'The hook fires for each message that fits one of these.' },
);
export type Bindings = Static<typeof Bindings>;
export const bindings = publish('hooks', 'bindings', Bindings);

const Schedule = distinct(
  Text({ title: 'Cron pattern', description: 'Six fields, seconds first, in UTC.' }),
  {
    title: 'Schedule',
    description: 'The hook fires at each time that one of these patterns names, once.',
  },
);
export const schedule = publish('hooks', 'schedule', Schedule);

const TaskTemplate = anyObject({
  title: 'Task template',
  description: 'A template in JSON-e. What it renders to is the definition of the task, or null for none.',
});

const TriggerSchema = anyObject({ description: 'The JSON schema that payloads must fit.' });

/** The default trigger schema: payloads are empty objects. */
export const emptyPayload = { type: 'object', additionalProperties: false } as const;

export const CreateHookRequest = exactly(
  {
    hookGroupId: Optional(HookGroupId),
    hookId: Optional(HookId),
    metadata: HookMetadata,
    task: TaskTemplate,
    bindings: Optional(Bindings),
    schedule: Optional(Type.Unsafe<string[]>({ ...Schedule, default: [] })),
    triggerSchema: Optional(
      Type.Unsafe<Readonly<Record<string, unknown>>>({
        ...TriggerSchema,
        default: emptyPayload,
        description: 'The JSON schema that payloads must fit; when it is left out, they must be empty.',
      }),
    ),
  },
  { title: 'Request for a hook' },
);
export type CreateHookRequest = Static<typeof CreateHookRequest>;
export const createHookRequest = publish('hooks', 'create-hook-request', CreateHookRequest);

export const HookDefinition = exactly(
  {
    hookGroupId: HookGroupId,
    hookId: HookId,
    metadata: HookMetadata,
    task: TaskTemplate,
    bindings: Optional(Bindings),
    schedule: Schedule,
    triggerSchema: TriggerSchema,
  },
  { title: 'Hook' },
);
export type HookDefinition = Static<typeof HookDefinition>;
export const hookDefinition = publish('hooks', 'hook-definition', HookDefinition);

export const listHookGroupsResponse = publish(
  'hooks',
  'list-hook-groups-response',
  exactly({ groups: distinct(Text()) }, { title: 'Groups of hooks' }),
);

export const listHooksResponse = publish(
  'hooks',
  'list-hooks-response',
  exactly({ hooks: distinct(HookDefinition) }, { title: 'Hooks of a group' }),
);

const fireTime = Type.String({ format: 'date-time', description: 'When the hook fired.' });

export const hookStatus = publish(
  'hooks',
  'hook-status',
  exactly(
    {
      lastFire: Type.Unsafe<object>({
        description: 'The result of the last fire.',
        oneOf: [
          exactly(
            { result: oneOf(['success']), taskId: Slugid, time: fireTime },
            { title: 'The task was created' },
          ),
          exactly(
            {
              result: oneOf(['error']),
              error: anyObject({ description: 'Why there is no task.' }),
              time: fireTime,
            },
            { title: 'The task could not be created' },
          ),
          exactly({ result: oneOf(['no-fire']) }, { title: 'The hook has not fired yet' }),
        ],
      }),
      nextScheduledDate: Optional(
        Type.String({ format: 'date-time', description: 'When the schedule fires the hook next.' }),
      ),
    },
    { title: 'Status of a hook' },
  ),
);

export const hookBindingsResponse = publish(
  'hooks',
  'hook-bindings-response',
  exactly(
    {
      bindings: Type.Array(
        exactly({
          exchange: Text(),
          routingKeyPattern: Text(),
          error: Optional(Text({ description: 'Why nothing is heard of the exchange for now.' })),
          since: Optional(DateTime),
        }),
      ),
    },
    { title: 'Bindings of a hook' },
  ),
);

/** What may fire a hook. */
export const firers = ['schedule', 'triggerHook', 'triggerHookWithToken', 'pulseMessage'] as const;
export type Firer = (typeof firers)[number];

export const LastFire = exactly({
  hookGroupId: HookGroupId,
  hookId: HookId,
  firedBy: oneOf(firers),
  taskId: Slugid,
  taskCreateTime: DateTime,
  result: oneOf(['success', 'error']),
  error: Text({ description: 'Why there is no task; empty when there is one.' }),
  taskState: oneOf(['unknown', 'unscheduled', 'pending', 'running', 'completed', 'failed', 'exception'], {
    description: 'The state of the task now; `unknown` when there is none.',
  }),
});
export type LastFire = Static<typeof LastFire>;

export const listLastFiresResponse = publish(
  'hooks',
  'list-lastFires-response',
  exactly(
    { lastFires: Type.Array(LastFire), continuationToken: Optional(ContinuationToken) },
    { title: 'Fires of a hook, the latest first' },
  ),
);

export const triggerHook = publish(
  'hooks',
  'trigger-hook',
  anyObject({
    title: 'Payload',
    description: 'The template sees it as `payload`. It must fit the trigger schema.',
  }),
);

export const triggerHookResponse = publish(
  'hooks',
  'trigger-hook-response',
  Type.Unsafe<{ readonly taskId?: string; readonly status?: { readonly taskId?: string } }>({
    title: 'What a trigger led to',
    anyOf: [
      exactly(
        { taskId: Slugid, status: Optional(exactly({ taskId: Optional(Slugid) })) },
        { description: 'A task was created.' },
      ),
      exactly({}, { description: 'The template asked for no task.' }),
    ],
  }),
);

export const triggerTokenResponse = publish(
  'hooks',
  'trigger-token-response',
  exactly({ token: Text() }, { title: 'Token by which anybody may trigger the hook' }),
);

export const hookChangedMessage = publish(
  'hooks',
  'pulse-hook-changed-message',
  Type.Object(
    { hookGroupId: Text(), hookId: Text() },
    { additionalProperties: true, title: 'A hook was created, changed or deleted' },
  ),
);

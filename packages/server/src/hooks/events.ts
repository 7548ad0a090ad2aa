import type { Message } from '../events/index.ts';
import type { ExchangeDeclaration } from '../http/index.ts';
import * as schema from './schema.ts';
import type { HookRef } from './store.ts';

const prefix = 'exchange/taskcluster-hooks/v1/';

export type HookChange = 'created' | 'updated' | 'deleted';

/** A hook was changed. */
export const hookChanged = ({ hookGroupId, hookId }: HookRef, change: HookChange): Message => ({
  exchange: `${prefix}hook-${change}`,
  routingKey: '_',
  routes: [],
  body: { hookGroupId, hookId },
});

const declare = (change: HookChange, name: string): ExchangeDeclaration => ({
  exchange: `hook-${change}`,
  name,
  title: `A hook was ${change}`,
  description: `Sent when a hook is ${change}, with its ids.`,
  routingKey: [
    {
      name: 'reserved',
      summary: 'Kept for later use: bind with `#`.',
      required: false,
      multipleWords: true,
    },
  ],
  schema: schema.hookChangedMessage,
});

/** Every exchange of hooks. */
export const exchanges: readonly ExchangeDeclaration[] = [
  declare('created', 'hookCreated'),
  declare('updated', 'hookUpdated'),
  declare('deleted', 'hookDeleted'),
];

import { type Static, Type } from 'typebox';
import { ContinuationToken, exactly, publish } from '../../http/index.ts';
import { when } from './words.ts';

const { Array: List, Optional, String: Text } = Type;

/** Who is named in the history where something was deleted because it had expired. */
export const expiration = 'expiration';

/** The kinds of entities whose changes are recorded. */
export const entityTypes = ['client', 'role', 'secret', 'hook', 'worker-pool', 'worker'] as const;

export const EntityHistory = exactly(
  {
    auditHistory: List(
      exactly({
        clientId: Text({ description: 'Who did it.' }),
        actionType: Text({ description: 'What was done.' }),
        created: when('When it was done.'),
        entityId: Text({ description: 'What it was done to.' }),
        entityType: Text({ description: `One of ${entityTypes.join(', ')}.` }),
      }),
      { description: 'The newest first.' },
    ),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page of an audit history' },
);
export type EntityHistory = Static<typeof EntityHistory>;
export const getEntityHistoryResponse = publish('auth', 'get-entity-history-response', EntityHistory);

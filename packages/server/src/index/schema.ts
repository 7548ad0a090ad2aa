import { type Static, Type } from 'typebox';
import { anyObject, ContinuationToken, DateTime, distinct, exactly, publish, Slugid } from '../http/index.ts';

const { Optional, String: Text } = Type;

/** The words of a path between its dots. */
const word = "[a-zA-Z0-9_!~*'()%-]+";
export const pathBytesMax = 255;
export const pathPattern = new RegExp(`^(?=.{1,${pathBytesMax}}$)${word}(\\.${word})*$`);

const Rank = Type.Number({
  description: 'A whole number. An entry is not replaced by one of a lower rank.',
});
const Expires = Type.String({ format: 'date-time', description: 'When the entry goes.' });
const Data = anyObject({ description: 'Any data of the entry, 32 KiB at most.' });

const InsertTaskRequest = exactly(
  { taskId: Slugid, rank: Rank, data: Data, expires: Expires },
  { title: 'Task for the index' },
);
export type InsertTaskRequest = Static<typeof InsertTaskRequest>;
export const insertTaskRequest = publish('index', 'insert-task-request', InsertTaskRequest);

const entry = {
  namespace: Text({ maxLength: pathBytesMax, description: 'The whole path.' }),
  taskId: Slugid,
  rank: Rank,
  data: Data,
  expires: Expires,
};
const IndexedTask = exactly(entry, { title: 'Indexed task' });
export type IndexedTask = Static<typeof IndexedTask>;
export const indexedTaskResponse = publish('index', 'indexed-task-response', IndexedTask);

const ListTasksAtIndex = exactly(
  { indexes: Optional(Type.Array(Text({ description: 'A path.' }), { default: [] })) },
  { title: 'Paths to look up' },
);
export const listTasksAtIndex = publish('index', 'list-tasks-at-index', ListTasksAtIndex);

const ListTasksResponse = exactly(
  { tasks: distinct(exactly(entry)), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of indexed tasks' },
);
export type ListTasksResponse = Static<typeof ListTasksResponse>;
export const listTasksResponse = publish('index', 'list-tasks-response', ListTasksResponse);

const ListNamespacesRequest = exactly(
  {
    limit: Optional(
      Type.Integer({ minimum: 1, maximum: 1000, default: 1000, description: 'How much a page holds.' }),
    ),
    continuationToken: Optional(ContinuationToken),
  },
  { title: 'Page that is wanted' },
);
export const listNamespacesRequest = publish('index', 'list-namespaces-request', ListNamespacesRequest);

const Namespace = exactly({
  namespace: Text({ maxLength: pathBytesMax, description: 'The whole path.' }),
  name: Text({ description: 'The last word of the path.' }),
  expires: DateTime,
});
const ListNamespacesResponse = exactly(
  { namespaces: distinct(Namespace), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of namespaces' },
);
export type ListNamespacesResponse = Static<typeof ListNamespacesResponse>;
export const listNamespacesResponse = publish('index', 'list-namespaces-response', ListNamespacesResponse);

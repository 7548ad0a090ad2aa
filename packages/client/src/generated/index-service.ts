// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type IndexedTaskResponse = {
  namespace: string;
  taskId: string;
  rank: number;
  data: Record<string, unknown>;
  expires: string;
};
export type InsertTaskRequest = {
  taskId: string;
  rank: number;
  data: Record<string, unknown>;
  expires: string;
};
export type ListNamespacesResponse = {
  namespaces: {
    namespace: string;
    name: string;
    expires: string;
  }[];
  continuationToken?: string;
};
export type ListTasksAtIndex = {
  indexes?: string[];
};
export type ListTasksResponse = {
  tasks: IndexedTaskResponse[];
  continuationToken?: string;
};

export interface IndexApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Find a task. */
  findTask(indexPath: string, options?: CallOptions): Promise<IndexedTaskResponse>;
  /** Find many tasks. */
  findTasksAtIndex(body: ListTasksAtIndex, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListTasksResponse>;
  /** List the namespaces of a namespace. */
  listNamespaces(namespace: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListNamespacesResponse>;
  /** List the tasks of a namespace. */
  listTasks(namespace: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListTasksResponse>;
  /** Put a task at a path. */
  insertTask(namespace: string, body: InsertTaskRequest, options?: CallOptions): Promise<IndexedTaskResponse>;
  /** Clear a path. */
  deleteTask(namespace: string, options?: CallOptions): Promise<void>;
  /** Get an artifact of the task at a path. */
  findArtifactFromTask(indexPath: string, name: string, options?: CallOptions): Promise<unknown>;
}

export type Index = IndexApi & ServiceClient;
export const Index = serviceClass<IndexApi>('index', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  findTask: { method: 'GET', route: '/task/<indexPath>', title: 'Find a task' },
  findTasksAtIndex: { method: 'POST', route: '/tasks/indexes', title: 'Find many tasks', input: true, query: ['continuationToken', 'limit'] },
  listNamespaces: { method: 'GET', route: '/namespaces/<namespace>', title: 'List the namespaces of a namespace', query: ['continuationToken', 'limit'] },
  listTasks: { method: 'GET', route: '/tasks/<namespace>', title: 'List the tasks of a namespace', query: ['continuationToken', 'limit'] },
  insertTask: { method: 'PUT', route: '/task/<namespace>', title: 'Put a task at a path', input: true },
  deleteTask: { method: 'DELETE', route: '/task/<namespace>', title: 'Clear a path' },
  findArtifactFromTask: { method: 'GET', route: '/task/<indexPath>/artifacts/<name>', title: 'Get an artifact of the task at a path' },
});

import {
  type PageQuery,
  type Parameter,
  pagination,
  parameters,
  type Route,
  routeFor,
} from '../http/index.ts';
import * as schema from './schema.ts';
import type { IndexVerbs } from './service.ts';

export interface IndexServices {
  readonly index: IndexVerbs;
}

const endpoint = routeFor<IndexServices>();

const path = parameters.matching(schema.pathPattern);
/** The root namespace has an empty name. */
const namespace: Parameter<string> = parameters.matching(new RegExp(`^$|${schema.pathPattern.source}`));

const about = { category: 'Index Service', stability: 'stable' } as const;
const listingTasks = {
  ...about,
  path: '/tasks/<namespace>',
  params: { namespace },
  query: pagination,
  scopes: 'index:list-tasks:<namespace>',
  output: schema.listTasksResponse,
  title: 'List the tasks of a namespace',
  description: 'The tasks directly in a namespace, by name. Namespaces within it are left out.',
} as const;
const listingNamespaces = {
  ...about,
  path: '/namespaces/<namespace>',
  params: { namespace },
  query: pagination,
  scopes: 'index:list-namespaces:<namespace>',
  output: schema.listNamespacesResponse,
  title: 'List the namespaces of a namespace',
  description: 'The namespaces directly in a namespace, by name. Tasks in it are left out.',
} as const;
/** Old clients use this method, and name the page in the body. */
const byPost = { method: 'POST', hidden: true } as const;
const namespacesByPost = { ...listingNamespaces, ...byPost, input: schema.listNamespacesRequest } as const;
/** This one never had a schema for its body: whatever else is in it is ignored, and there need not be one. */
const tasksByPost = { ...listingTasks, ...byPost } as const;
const pageIn = (body: unknown): PageQuery => {
  const { limit, continuationToken } = body as Readonly<Record<string, unknown>>;
  return {
    ...(Number.isInteger(limit) ? { limit: Math.min(Math.max(Number(limit), 1), 1000) } : {}),
    ...(typeof continuationToken === 'string' ? { continuationToken } : {}),
  };
};
/** The path of the root namespace may lack its last slash, and has no parameter to make the scope from. */
const ofRoot = { hidden: true, params: {} } as const;

export const routes: readonly Route<IndexServices>[] = [
  endpoint(
    {
      ...about,
      name: 'findTask',
      method: 'GET',
      path: '/task/<indexPath>',
      params: { indexPath: path },
      scopes: 'index:find-task:<indexPath>',
      output: schema.indexedTaskResponse,
      title: 'Find a task',
      description: 'The task at a path; 404 when there is no task, or when it has expired.',
    },
    ({ index }, { params }) => index.findTask(params.indexPath),
  ),
  endpoint(
    {
      ...about,
      stability: 'experimental',
      name: 'findTasksAtIndex',
      method: 'POST',
      path: '/tasks/indexes',
      query: pagination,
      scopes: { AllOf: [{ for: 'indexPath', in: 'indexPaths', each: 'index:find-task:<indexPath>' }] },
      input: schema.listTasksAtIndex,
      output: schema.listTasksResponse,
      title: 'Find many tasks',
      description: 'The tasks at many paths, in the order of the paths; those without a task are left out.',
    },
    ({ index }, { body: { indexes: paths = [] }, query, authorize }) => {
      authorize({ indexPaths: paths });
      return index.findTasksAt({ paths, ...query });
    },
  ),
  endpoint({ ...listingNamespaces, name: 'listNamespaces', method: 'GET' }, ({ index }, { params, query }) =>
    index.listNamespaces({ ...params, ...query }),
  ),
  endpoint({ ...namespacesByPost, name: 'listNamespacesByPost' }, ({ index }, { params, query, body }) =>
    index.listNamespaces({ ...params, ...body, ...query }),
  ),
  endpoint(
    { ...listingNamespaces, ...ofRoot, name: 'listRootNamespaces', method: 'GET', path: '/namespaces' },
    ({ index }, { query, authorize }) => {
      authorize({ namespace: '' });
      return index.listNamespaces({ namespace: '', ...query });
    },
  ),
  endpoint(
    { ...namespacesByPost, ...ofRoot, name: 'listRootNamespacesByPost', path: '/namespaces' },
    ({ index }, { query, body, authorize }) => {
      authorize({ namespace: '' });
      return index.listNamespaces({ namespace: '', ...body, ...query });
    },
  ),
  endpoint({ ...listingTasks, name: 'listTasks', method: 'GET' }, ({ index }, { params, query }) =>
    index.listTasks({ ...params, ...query }),
  ),
  endpoint({ ...tasksByPost, name: 'listTasksByPost' }, ({ index }, { params, query, body }) =>
    index.listTasks({ ...params, ...pageIn(body), ...query }),
  ),
  endpoint(
    { ...listingTasks, ...ofRoot, name: 'listRootTasks', method: 'GET', path: '/tasks' },
    ({ index }, { query, authorize }) => {
      authorize({ namespace: '' });
      return index.listTasks({ namespace: '', ...query });
    },
  ),
  endpoint(
    { ...tasksByPost, ...ofRoot, name: 'listRootTasksByPost', path: '/tasks' },
    ({ index }, { query, body, authorize }) => {
      authorize({ namespace: '' });
      return index.listTasks({ namespace: '', ...pageIn(body), ...query });
    },
  ),
  endpoint(
    {
      ...about,
      name: 'insertTask',
      method: 'PUT',
      path: '/task/<namespace>',
      params: { namespace: path },
      scopes: 'index:insert-task:<namespace>',
      input: schema.insertTaskRequest,
      output: schema.indexedTaskResponse,
      title: 'Put a task at a path',
      description:
        'Replaces the entry there unless that has a higher rank; returns the entry that is there afterwards. ' +
        'Tasks with a route `index.<path>` are put there when they complete, without this call.',
    },
    ({ index }, { params, body }) => index.insertTask({ path: params.namespace, ...body }),
  ),
  endpoint(
    {
      ...about,
      name: 'deleteTask',
      method: 'DELETE',
      path: '/task/<namespace>',
      params: { namespace: path },
      scopes: 'index:delete-task:<namespace>',
      title: 'Clear a path',
      description: 'Removes the entry there, if any. Namespaces stay, and what was replaced does not return.',
    },
    ({ index }, { params }) => index.deleteTask(params.namespace),
  ),
  endpoint(
    {
      ...about,
      name: 'findArtifactFromTask',
      method: 'GET',
      path: '/task/<indexPath>/artifacts/<name>',
      rest: 'name',
      params: { indexPath: path, name: parameters.printableAscii },
      scopes: 'queue:get-artifact:<name>',
      title: 'Get an artifact of the task at a path',
      description:
        "Redirects to the artifact of the task's last run. Two calls may lead to two tasks, when another one is " +
        'put at the path in between.',
    },
    ({ index }, { params, caller }) =>
      index.findArtifact({ path: params.indexPath, name: params.name, caller }),
  ),
];

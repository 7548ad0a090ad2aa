import { Index, type ListNamespacesResponse, type ListTasksResponse } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, type Io, say, sayJson } from '../io.ts';
import { allPages } from '../listings.ts';

/** `taskyard index list [namespace]` */
export const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List the namespaces and the tasks in a namespace.')
    .argument('[namespace]', 'the root without one', '')
    .action(async (namespace: string, options: ConnectedOptions) => {
      const index = new Index({ ...serverOf(io, options), retries: 3 });
      const namespaces: ListNamespacesResponse['namespaces'] = [];
      const tasks: ListTasksResponse['tasks'] = [];
      for await (const page of allPages((query) => index.listNamespaces(namespace, query)))
        namespaces.push(...page.namespaces);
      for await (const page of allPages((query) => index.listTasks(namespace, query)))
        tasks.push(...page.tasks);
      if (options.json) return sayJson(io, { namespaces, tasks });
      const rows = [
        ...namespaces.map((found) => [`${found.namespace}.`, '', found.expires]),
        ...tasks.map((found) => [found.namespace, found.taskId, found.expires]),
      ];
      for (const line of columns(rows)) say(io, line);
    });

import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf, serverOf } from '../connected.ts';
import { collectPairs } from '../input.ts';
import { type Io, remark, say, sayJson } from '../io.ts';
import { groupPage } from '../pages.ts';
import { provideSource } from '../source/index.ts';
import { warnOfUnservedQueues } from '../unserved-queues.ts';
import { queuesOf, readGraph, refuseTasksBoundHere, submitGraph } from './submit.ts';

interface CreateOptions extends ConnectedOptions {
  readonly param: Record<string, string>;
  readonly taskQueueId?: string;
}

/** `taskyard group create <graph file>` */
export const createCommand = (io: Io): Command =>
  connectedCommand('create')
    .description('Create all tasks of a graph file, and leave them to the workers.')
    .argument('<file>', 'the graph file')
    .option('-p, --param <name=value>', 'a parameter of the graph; may be repeated', collectPairs, {})
    .option('--task-queue-id <taskQueueId>', 'the task queue of tasks that name none')
    .action(async (file: string, options: CreateOptions) => {
      const { param: params, taskQueueId } = options;
      const graph = await readGraph({ file, params, taskQueueId });
      const queue = queueOf(io, options);
      const { rootUrl, credentials } = serverOf(io, options);
      refuseTasksBoundHere(graph, file, rootUrl);
      const provision = { rootUrl, credentials, now: new Date(), hidden: [io.environment.folder] };
      await submitGraph(queue, await provideSource(io, graph, provision));
      await warnOfUnservedQueues(io, serverOf(io, options), queuesOf(graph));
      const { taskGroupId, name, labels } = graph;
      if (options.json) return sayJson(io, { taskGroupId, name, tasks: labels });
      say(io, taskGroupId);
      remark(io, `${graph.tasks.length} tasks, ${groupPage(queue.options.rootUrl, taskGroupId)}`);
    });

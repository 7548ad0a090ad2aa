import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { harmless, type Io, say, sayJson } from '../io.ts';
import { type ListedTask, listGroup } from '../listings.ts';

const colours: Readonly<Record<string, string>> = {
  unscheduled: 'gray85',
  pending: 'khaki',
  running: 'lightskyblue',
  completed: 'palegreen',
  failed: 'lightcoral',
  exception: 'orange',
};

const quoted = (text: string): string =>
  `"${harmless(text).replace(/["\\]/g, '\\$&').replaceAll('\n', ' ')}"`;

/** A graph in the language of Graphviz: arrows lead from dependencies to dependents. */
export const dotOf = (tasks: readonly ListedTask[]): string => {
  const nodes = tasks.map(
    ({ status, task }) =>
      `  ${quoted(status.taskId)} [label=${quoted(task.metadata.name)}, fillcolor=${colours[status.state]}];`,
  );
  const edges = tasks.flatMap(({ status, task }) =>
    (task.dependencies ?? []).map((needed) => `  ${quoted(needed)} -> ${quoted(status.taskId)};`),
  );
  return ['digraph {', '  rankdir=LR;', '  node [shape=box, style=filled];', ...nodes, ...edges, '}'].join(
    '\n',
  );
};

interface GraphOptions extends ConnectedOptions {
  readonly dot?: true;
}

/** `taskyard group graph <taskGroupId>` */
export const graphCommand = (io: Io): Command =>
  connectedCommand('graph')
    .description('Show what needs what in a group.')
    .argument('<taskGroupId>')
    .option('--dot', 'in the language of Graphviz: pipe it into `dot -Tsvg`')
    .action(async (taskGroupId: string, options: GraphOptions) => {
      const tasks = await listGroup(queueOf(io, options), taskGroupId);
      if (options.dot) return say(io, dotOf(tasks));
      const names = new Map(tasks.map(({ status, task }) => [status.taskId, harmless(task.metadata.name)]));
      const needs = tasks.map(({ status, task }) => ({
        taskId: status.taskId,
        name: names.get(status.taskId) ?? '',
        state: status.state,
        dependencies: task.dependencies ?? [],
      }));
      if (options.json) return sayJson(io, needs);
      for (const { taskId, name, state, dependencies } of needs) {
        say(io, `${name}  ${state}`);
        for (const needed of dependencies)
          say(io, `  needs ${needed === taskId ? 'itself' : (names.get(needed) ?? needed)}`);
      }
    });

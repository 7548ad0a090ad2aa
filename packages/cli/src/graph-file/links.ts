import { type Fields, inOrder, isFields, listOf, type Path } from '@taskyard/taskcluster-yml/template';
import type { Draft } from './draft.ts';

/** A mistake in the dependencies of tasks; the path is below the task. */
export interface LinkMistake {
  readonly draft: Draft;
  readonly path: Path;
  readonly message: string;
}

/** The tasks in dependency order, with all cycles and all mounts of artifacts that cannot exist. */
export const link = (tasks: readonly Draft[]): { ordered: Draft[]; mistakes: LinkMistake[] } => {
  const byId = new Map(tasks.map((task) => [task.taskId, task]));
  const byLabel = new Map(tasks.map((task) => [task.label, task]));
  const needs = ({ task }: Draft): string[] =>
    task.dependencies.flatMap((taskId) => byId.get(taskId)?.label ?? []);
  const { order, cycles } = inOrder(tasks.map((task) => ({ label: task.label, needs: needs(task) })));
  return {
    ordered: order.flatMap((label) => byLabel.get(label) ?? []),
    mistakes: [...cycles.flatMap((cycle) => cycleMistakes(cycle, byLabel)), ...mountMistakes(tasks, byId)],
  };
};

const cycleMistakes = (cycle: readonly string[], byLabel: ReadonlyMap<string, Draft>): LinkMistake[] => {
  const draft = byLabel.get(cycle[0] ?? '');
  if (draft === undefined) return [];
  const way = [...cycle, draft.label].map((step) => `"${step}"`).join(' needs ');
  return [{ draft, path: ['needs'], message: cycle.length === 1 ? 'needs itself' : `a cycle: ${way}` }];
};

const mountMistakes = (tasks: readonly Draft[], byId: ReadonlyMap<string, Draft>): LinkMistake[] =>
  tasks.flatMap((consumer) =>
    listOfFields(consumer.task.payload.mounts).flatMap(({ content }, index) => {
      if (!isFields(content)) return [];
      const producer = byId.get(String(content.taskId));
      const message = producer && problemOf(consumer, producer, content.artifact);
      const path = ['payload', 'mounts', index, 'content'];
      return message === undefined ? [] : [{ draft: consumer, path, message }];
    }),
  );

// Workers refuse a mount of a task that is not a direct dependency.
const problemOf = (consumer: Draft, producer: Draft, artifact: unknown): string | undefined => {
  const wanted = `mounts ${JSON.stringify(artifact)} of "${producer.label}"`;
  if (!consumer.task.dependencies.includes(producer.taskId)) return `${wanted} without needing it`;
  const { artifacts } = producer.task.payload;
  if (!Array.isArray(artifacts) || typeof artifact !== 'string') return undefined;
  const names = listOfFields(artifacts).map(nameOf);
  const isMade = names.some((name) => artifact === name || artifact.startsWith(`${name}/`));
  return isMade || artifact.startsWith('public/logs/')
    ? undefined
    : `${wanted}, which makes ${names.length === 0 ? 'no artifact' : `only ${listOf(names, 'and')}`}`;
};

const nameOf = ({ name, path }: Fields): string => String(name ?? path);

const listOfFields = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
